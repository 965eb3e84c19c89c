/** The block list of the Lab's machines, read once. */
import text from '../../../../data/policy/block-list.xml?raw'
import { parseSiPolicy } from '../../known/sipolicy/parse'
import type { SiPolicy } from '../../known/sipolicy/policy'

let list: SiPolicy | null = null

export function labBlockList(): SiPolicy {
  if (list) return list
  const read = parseSiPolicy(text, 'block-list.xml')
  if (!read.ok) throw new Error(read.error.message)
  return (list = read.value)
}
