/** What a comparison of two files comes to, in one sentence; it stands over the lines it rests on. */
import type { Comparison } from '../../../../shared/contract/files'

/** Title of the section with hashes. */
export const IDENTITY = 'Identity'

type State = 'same' | 'different' | 'untold'

export function conclusion({ sections }: Comparison): string {
  const rows = sections.find(({ title }) => title === IDENTITY)?.rows ?? []
  /** Of a value that both have; what one of them lacks tells nothing. */
  const stateOf = (label: string): State => {
    const row = rows.find((each) => each.label === label)
    if (!row || row.left === '' || row.right === '') return 'untold'
    return row.state === 'same' ? 'same' : 'different'
  }
  const first = (...labels: string[]): State =>
    labels.map(stateOf).find((state) => state !== 'untold') ?? 'untold'
  const isSigned = sections.some(
    ({ title, rows: lines }) =>
      title === 'Signature' && lines.some(({ state }) => state !== 'same'),
  )
  const imports = stateOf('Imphash')
  if (first('SHA-256', 'SHA-1', 'MD5') === 'same') return 'The same file: its hashes are equal.'
  switch (first('Authentihash SHA-256', 'Authentihash SHA-1')) {
    case 'same':
      return isSigned
        ? 'Same image: the authentihash is equal; what differs is the signature.'
        : 'Same image: the authentihash is equal; what differs is nothing that it covers.'
    case 'different':
      return imports === 'same'
        ? 'Different images with the same imports: the authentihash differs, the imphash is equal.'
        : 'Different images: the authentihash differs.'
    case 'untold':
      return imports === 'same'
        ? 'Same imports: the imphash is equal; no authentihash of both is known.'
        : 'Not known whether the image is the same: no authentihash of both is known.'
  }
}
