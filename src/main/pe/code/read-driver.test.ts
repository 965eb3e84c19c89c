import { describe, expect, test } from 'vitest'

import expected from '../../../../data/fixtures/pe/expected.json'
import { readFixture } from './testing/read-fixture'

describe('drivers of the reference set', () => {
  test.each([
    'lantern.sys',
    'lantern-signed.sys',
    'lantern-tampered.sys',
    'ferry-forged.sys',
  ] as const)('the control codes of %s come out as they were written', (name) => {
    const { driver } = readFixture(`pe/${name}`)
    const codes = driver.ioctls.map((ioctl) => ({
      code: ioctl.code,
      deviceType: `0x${ioctl.deviceType.toString(16)}`.replace(/^0x(\d)$/, '0x0$1'),
      function: `0x${ioctl.function.toString(16)}`,
      method: ioctl.method,
      access: ioctl.access,
    }))
    expect(codes).toEqual(expected[name].expected.ioctls)
    expect(driver.ioctls.every(({ confidence }) => confidence === 'high')).toBe(true)
    expect(driver.ioctls.every(({ handler }) => handler !== null)).toBe(true)
  })

  test('names are those that the calls use, with their place in the file', () => {
    const { driver } = readFixture('pe/lantern.sys')
    expect(driver.deviceNames).toEqual([{ text: '\\Device\\LabLantern', offset: 2608 }])
    expect(driver.symbolicLinks).toEqual([{ text: '\\DosDevices\\LabLantern', offset: 2560 }])
    expect(driver.deviceSecurity).toContain('IoCreateDevice without FILE_DEVICE_SECURE_OPEN')
  })

  test('kinds rest on what is imported', () => {
    const kinds = (name: string): string[] => readFixture(name).driver.types.map(({ type }) => type)
    expect(kinds('pe/lantern.sys')).toEqual(['WDM'])
    expect(kinds('pe/ferry-forged.sys')).toContain('WFP')
  })

  test('the dispatch table and the unload routine are read from DriverEntry', () => {
    const { driver } = readFixture('pe/lantern.sys')
    expect(driver.driverEntry).toBe(0x116e)
    expect(driver.driverUnload).toBe(0x1113)
    expect(driver.majorFunctions).toEqual([
      { index: 0, name: 'IRP_MJ_CREATE', handler: 0x10cc, rva: 0x1246 },
      { index: 2, name: 'IRP_MJ_CLOSE', handler: 0x10cc, rva: 0x1255 },
      { index: 14, name: 'IRP_MJ_DEVICE_CONTROL', handler: 0x1000, rva: 0x1267 },
    ])
  })
})
