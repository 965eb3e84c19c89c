import { describe, expect, test } from 'vitest'

import { CTL_CODE } from '../../../shared/nt/ioctl'
import { disassembleAround } from '.'
import { isPlausibleCode } from './control-code'
import { describeSddl } from './sddl'
import { fixtureBytes, readParts } from './testing/read-fixture'

describe('numbers that nothing is known about', () => {
  test.each([
    ['FILE_DEVICE_UNKNOWN, vendor function', CTL_CODE(0x22, 0x801, 0, 0), true],
    ["a vendor's device type", CTL_CODE(0x9c40, 0x910, 0, 0), true],
    ['a function of the system', CTL_CODE(0x22, 0x100, 0, 0), false],
    ['STATUS_ACCESS_DENIED', 0xc0000022, false],
    ['an NTSTATUS of a facility', 0xc0352000, false],
    ['CRYPT_E_NO_KEY_PROPERTY', 0x8009200b, false],
    ["a pool tag, 'Lock'", 0x6b636f4c, false],
    ['a flag', 0x80000000, false],
  ])('%s', (_name, value, isCode) => {
    expect(isPlausibleCode(value)).toBe(isCode)
  })
})

describe('security descriptors in words', () => {
  test.each([
    ['D:P(A;;GA;;;SY)(A;;GA;;;BA)', 'SYSTEM: full access; Administrators: full access'],
    ['D:P(A;;GA;;;SY)(A;;GRGWGX;;;WD)', 'SYSTEM: full access; Everyone: read, write, execute'],
    ['D:(D;;GA;;;AN)(A;;0x1f01ff;;;BU)', 'Anonymous: denied full access; Users: full access'],
    ['D:(A;;0x80000000;;;S-1-5-32-545)', 'S-1-5-32-545: read'],
    ['D:P', 'an empty access list: only kernel code opens it'],
    ['D:NO_ACCESS_CONTROL', 'no access list, so every access is granted'],
    ['O:BAG:SY', 'no access list, so every access is granted'],
  ])('%s', (sddl, words) => {
    expect(describeSddl(sddl)).toBe(words)
  })
})

describe('a few lines of disassembly', () => {
  const bytes = fixtureBytes('pe/lantern.sys')
  const { image } = readParts(bytes)

  test('stand around the address, in step with the code before it', () => {
    const lines = disassembleAround(bytes, image, 0x104b, 5)
    expect(lines).toEqual([
      { rva: 0x1044, bytes: '3d40201080', text: 'cmp eax, 0x80102040' },
      { rva: 0x1049, bytes: '7746', text: 'ja 0x1091' },
      { rva: 0x104b, bytes: '3d0be02200', text: 'cmp eax, 0x22E00B' },
      { rva: 0x1050, bytes: '742b', text: 'je 0x107D' },
      { rva: 0x1052, bytes: '3d0be02200', text: 'cmp eax, 0x22E00B' },
    ])
  })

  test('are none outside code and for other machines', () => {
    expect(disassembleAround(bytes, image, 0x3000, 5)).toEqual([])
    expect(disassembleAround(bytes, { ...image, machine: 'ARM64' }, 0x1000, 5)).toEqual([])
  })
})
