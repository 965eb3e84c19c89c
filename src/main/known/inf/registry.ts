/** AddReg and DelReg sections to what they change. */
import type { InfFacts } from '../../../shared/driver-file/package-facts'
import type { InfDocument } from './document'

export type RegistryChange = InfFacts['registry'][number]

const DELETE_VALUE = 0x4
const DELETE_FROM_LIST = 0x8000

/** By the bits of the flags that say a type. */
const TYPES: Record<number, string> = {
  0x0: 'REG_SZ',
  0x1: 'REG_BINARY',
  0x10000: 'REG_MULTI_SZ',
  0x20000: 'REG_EXPAND_SZ',
  0x10001: 'REG_DWORD',
  0x20001: 'REG_NONE',
  0xb0001: 'REG_QWORD',
}
const TYPE_BITS = 0xffff0001

/**
 * @param section name of the AddReg or DelReg section
 * @param relative what HKR stands for: a service's key as `SYSTEM\...` in HKLM, or null for the
 *   key of the device, which has no fixed place
 */
export function registryChanges(
  document: InfDocument,
  section: string,
  action: 'add' | 'delete',
  relative: string | null,
): RegistryChange[] {
  return (document.section(section)?.lines ?? []).map(({ line, values }) => {
    const [root = '', subkey = '', name = '', flagText = '', ...data] = values.map((value) =>
      document.expand(value, line),
    )
    const flags = Number(flagText === '' ? 0 : flagText)
    if (!Number.isInteger(flags)) document.problem(line, `${flagText.slice(0, 40)} is no flag`)
    const isRelative = root.toUpperCase() === 'HKR' && relative !== null
    const key = isRelative ? [relative, subkey].filter(Boolean).join('\\') : subkey
    const removes = action === 'delete' || (flags & (DELETE_VALUE | DELETE_FROM_LIST)) !== 0
    return {
      root: isRelative ? 'HKLM' : root.toUpperCase(),
      key,
      name,
      type: action === 'delete' ? '' : typeOf(flags),
      value: data.join(','),
      action: removes ? 'delete' : 'add',
    }
  })
}

function typeOf(flags: number): string {
  const bits = (flags & TYPE_BITS) >>> 0
  return TYPES[bits] ?? `0x${bits.toString(16).padStart(8, '0')}`
}
