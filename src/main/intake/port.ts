/** The border to the shelf. It lies in `shared`, so that the catalogue can implement it. */
export type * from '../../shared/driver-file/intake'
