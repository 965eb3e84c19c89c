import { describe, expect, test } from 'vitest'
import type { FileDetail } from '../../shared/contract/files'
import type { DriverFacts } from '../../shared/driver-file/facts'
import { runProject } from '../lab/run'
import { facts, ferry, ioctl, winio } from '../exchange/testing/details'
import { toyOf, type Toy } from '../exchange/toy'

// A skeleton is worth nothing if it does not run: each one is compiled, loaded and called.

const withDriver = (over: Partial<DriverFacts>, name = 'ferry.sys'): FileDetail => ({
  ...ferry,
  row: { ...ferry.row, name },
  facts: { ...facts, driver: { ...facts.driver!, ...over } },
})

const toy = (detail: FileDetail): Toy => {
  const made = toyOf(detail)
  expect(made).not.toBeNull()
  return made!
}
async function run(detail: FileDetail): Promise<Awaited<ReturnType<typeof runProject>>['report']> {
  const { report } = await runProject({
    files: toy(detail).files,
    seed: 1,
    verifier: ['all'],
    trace: 'off',
  })
  expect(report.diagnostics).toEqual([])
  return report
}

describe('a toy driver made of a file', () => {
  test('loads, answers every control code of the file and unloads, with the verifier on', async () => {
    const report = await run(ferry)
    expect(report.outcome).toBe('ok')
    expect(
      report.requests.filter(({ ioctl: code }) => code).map(({ ioctl: code }) => code),
    ).toEqual(['0x0012C803', '0x0012C807'])
    expect(report.dbgPrint[0]).toContain('IOCTL_0012C803, 64 bytes in')
  })

  test('names the evidence of each line', () => {
    const { files } = toy(ferry)
    expect(files['driver.ts']).toContain('// set at RVA 0x1020 to the routine at RVA 0x1080')
    expect(files['driver.ts']).toContain('// file offset 0x900')
    expect(files['README.md']).toContain(
      '| `0x0012C803` | compare at RVA 0x1080, high confidence |',
    )
    expect(files['README.md']).toContain('a'.repeat(64))
  })

  test('one routine for all major functions looks at the major function first', async () => {
    const majorFunctions = ['CREATE', 'CLOSE', 'CLEANUP', 'DEVICE_CONTROL'].map((word, index) => ({
      index,
      name: `IRP_MJ_${word}`,
      handler: 0x2000,
      rva: 0x1000 + index,
    }))
    const report = await run(withDriver({ majorFunctions }))
    expect(report.outcome).toBe('ok')
    expect(report.requests.filter(({ ioctl: code }) => code)).toHaveLength(2)
  })

  test.each([
    ['no names and no table', { deviceNames: [], symbolicLinks: [], majorFunctions: [] }],
    ['no control codes', { ioctls: [] }],
    ['a name that is a format', { deviceNames: [{ text: '\\Device\\%wZ', offset: null }] }],
    ['the same code twice', { ioctls: [ioctl('0x80102040'), ioctl('0x80102040', { rva: 2 })] }],
    ['a global link', { symbolicLinks: [{ text: '\\DosDevices\\Global\\Lan', offset: 1 }] }],
    ['a name with a quote', { deviceNames: [{ text: "\\Device\\It's", offset: 1 }] }],
    ['DriverUnload not seen', { driverUnload: null, driverEntry: null }],
  ] satisfies [string, Partial<DriverFacts>][])('%s: it still runs', async (_name, over) => {
    const report = await run(withDriver(over))
    expect(report.outcome).toBe('ok')
  })

  test.each(['*/ evil.sys', '64.sys', '..sys', 'a`${x}`.sys', 'ein\nzeile.sys', 'ß.sys'])(
    'a file called %j gives a driver that compiles',
    async (name) => {
      expect((await run(withDriver({}, name))).outcome).toBe('ok')
    },
  )

  test('what a forged document calls codes and functions gets into no source text', async () => {
    const detail = withDriver({
      majorFunctions: [
        {
          index: 0,
          name: "IRP_MJ_CREATE] = 0 as never\nDbgPrint('INJECTED')\n//",
          handler: 0x1000,
          rva: 0x10,
        },
      ],
      ioctls: [{ ...ioctl('0x00222000'), code: "0x1 */ ; DbgPrint('INJECTED') /*" }],
    })
    const { files } = toy(detail)
    expect(Object.values(files).join('\n')).not.toContain('INJECTED')
    expect((await run(detail)).outcome).toBe('ok')
  })

  test('many codes: the first two hundred, and a word on the rest', async () => {
    const ioctls = Array.from({ length: 230 }, (_, index) =>
      ioctl(`0x${(0x222000 + index * 4).toString(16).toUpperCase().padStart(8, '0')}`),
    )
    const detail = withDriver({ ioctls })
    expect(toy(detail).files['driver.ts']).toContain('// 30 more codes are in the file.')
    expect((await run(detail)).outcome).toBe('ok')
  })

  test('nothing is made of a file that nobody has read', () => {
    expect(toyOf(winio)).toBeNull()
  })
})
