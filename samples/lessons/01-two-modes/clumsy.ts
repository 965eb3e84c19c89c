/* Writes to address 0, where nothing is. */
import { PVOID, cast, printf } from 'win32'

export function main(): number {
  const nowhere: PVOID | null = null
  printf('clumsy: writing to address 0\n')
  cast(PVOID, nowhere).u32[0] = 7
  printf('clumsy: never comes here\n')
  return 0
}
