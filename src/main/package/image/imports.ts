/** The import tables of a section: descriptors, names, and the slots that a loader would fill. */
import { alignUp } from './layout'

export interface ImportedModule {
  dll: string
  functions: readonly string[]
}

export interface ImportTables {
  bytes: Uint8Array
  /** Place and size in bytes of the address table and of the descriptors, from the section's start. */
  iat: [at: number, size: number]
  descriptors: [at: number, size: number]
}

const SLOT = 8
const DESCRIPTOR = 20

/** @param rva of the section that begins with these tables */
export function importTables(modules: readonly ImportedModule[], rva: number): ImportTables {
  const slots = modules.reduce((sum, { functions }) => sum + functions.length + 1, 0)
  const iatSize = slots * SLOT
  const descriptorsAt = iatSize
  const descriptorsSize = (modules.length + 1) * DESCRIPTOR
  const lookupAt = alignUp(descriptorsAt + descriptorsSize, 8)
  let nameAt = lookupAt + iatSize
  const names = modules.flatMap(({ dll, functions }) => [
    ...functions.map((name) => ({ name, hint: 2 })),
    { name: dll, hint: 0 },
  ])
  const size = names.reduce((at, { name, hint }) => alignUp(at + hint + name.length + 1, 2), nameAt)
  const bytes = Buffer.alloc(size)
  const write = (name: string, hint: number): number => {
    const at = nameAt
    bytes.write(name, at + hint, 'latin1')
    nameAt = alignUp(at + hint + name.length + 1, 2)
    return rva + at
  }
  let slot = 0
  modules.forEach(({ dll, functions }, index) => {
    const first = slot * SLOT
    for (const name of functions) {
      const place = BigInt(write(name, 2))
      bytes.writeBigUInt64LE(place, slot * SLOT)
      bytes.writeBigUInt64LE(place, lookupAt + slot * SLOT)
      slot++
    }
    // A zero ends each list.
    slot++
    const at = descriptorsAt + index * DESCRIPTOR
    bytes.writeUInt32LE(rva + lookupAt + first, at)
    bytes.writeUInt32LE(write(dll, 0), at + 12)
    bytes.writeUInt32LE(rva + first, at + 16)
  })
  return { bytes, iat: [0, iatSize], descriptors: [descriptorsAt, descriptorsSize] }
}
