import { describe, expect, test } from 'vitest'
import type { FileString } from '../../../shared/driver-file/facts'
import { AnomalyList } from '../anomalies'
import { Deadline } from '../deadline'
import { Reader } from '../reader'
import { isProcessName, securityProductOf } from './security-products'
import { readStrings } from './strings'

function read(bytes: Uint8Array, milliseconds = 60_000): FileString[] {
  const deadline = new Deadline(milliseconds)
  return readStrings({ reader: new Reader(bytes), anomalies: new AnomalyList(), deadline })
}

function classesOf(text: string): string[] {
  const [ascii] = read(Buffer.from(`\x01${text}\0`, 'latin1'))
  const [wide] = read(Buffer.from(`\x01${text}\0`, 'utf16le'))
  expect(wide.classes).toEqual(ascii.classes)
  expect([ascii.text, wide.text]).toEqual([text, text])
  return ascii.classes
}

describe('strings', () => {
  test('are ASCII and UTF-16 runs of five characters and more, with their offsets', () => {
    const bytes = Buffer.concat([
      Buffer.from('\0\x01abcd\0abcde\x80', 'latin1'),
      Buffer.from('wide!', 'utf16le'),
      Buffer.from([0, 0]),
      Buffer.from('four', 'utf16le'),
      Buffer.from([0, 0, 0xff]),
      Buffer.from('at the end', 'latin1'),
    ])
    expect(read(bytes)).toEqual([
      { offset: 7, encoding: 'ascii', text: 'abcde', classes: [] },
      { offset: 13, encoding: 'utf16', text: 'wide!', classes: [] },
      { offset: bytes.length - 10, encoding: 'ascii', text: 'at the end', classes: [] },
    ])
  })

  test('of two bytes per character are found at odd offsets and behind short ASCII runs', () => {
    const wide = Buffer.from('\\Device\\Odd', 'utf16le')
    const found = read(Buffer.concat([Buffer.from('\x01ab'), wide, Buffer.from([0, 0])]))
    expect(found.map(({ text }) => text)).toEqual(['\\Device\\Odd'])
    expect(found[0].offset).toBe(3)
  })

  test('that are very long are cut', () => {
    expect(read(Buffer.alloc(10_000, 'a')).map(({ text }) => text.length)).toEqual([1_024])
    expect(read(Buffer.alloc(10_000, 'b\0')).map(({ text }) => text.length)).toEqual([1_024])
  })

  test('of a class are kept when there are too many', () => {
    const plain = Buffer.from('plain\0'.repeat(6_000))
    const last = Buffer.from('\\Device\\Last\0')
    const anomalies = new AnomalyList()
    const reader = new Reader(Buffer.concat([plain, last]))
    const found = readStrings({ reader, anomalies, deadline: new Deadline(60_000) })
    expect(found).toHaveLength(5_000)
    expect(found.at(-1)?.text).toBe('\\Device\\Last')
    expect(anomalies.items.map(({ id }) => id)).toEqual(['strings-incomplete'])
  })
})

describe('a string', () => {
  test.each([
    ['\\Device\\PhysicalMemory', ['device']],
    ['\\DosDevices\\Lantern', ['symbolic-link']],
    ['\\??\\Lantern', ['symbolic-link']],
    ['\\\\.\\Lantern', ['symbolic-link']],
    ['\\??\\C:\\Windows\\a.dll', ['symbolic-link', 'path']],
    ['\\Registry\\Machine\\SYSTEM', ['registry']],
    ['SYSTEM\\CurrentControlSet\\Services', ['registry']],
    ['\\SystemRoot\\system32\\drivers\\a.sys', ['path']],
    ['D:\\build\\x64\\Release\\a.pdb', ['path', 'pdb']],
    ['https://example.com/gate.php', ['url', 'domain']],
    ['http://crl.example.net/root.crl0', ['url', 'domain']],
    ['update.example.top', ['domain']],
    ['203.0.113.77', ['ip']],
    ['connect 10.0.0.12:443', ['ip']],
    ['2.4.1.9', []],
    ['10.0.19041.1', []],
    ['300.1.2.33', []],
    ['D:P(A;;GA;;;SY)(A;;GA;;;BA)', ['sddl']],
    ['O:BAG:SYD:(A;;GRGW;;;WD)', ['sddl']],
    ['{36FC9E60-C465-11CF-8056-444553540000}', ['guid']],
    ['explorer.exe', ['process']],
    ['ntoskrnl.exe', []],
    ['MsMpEng.exe', ['process', 'security-product']],
    ['WdFilter.sys', ['security-product']],
    ['ZwTerminateProcess', ['routine']],
    ['PsSetCreateProcessNotifyRoutineEx', ['routine']],
    ['Iodine', []],
    ['status %08x\\n', ['format']],
    ['100% sure', []],
    ['kernel text', []],
  ])('%s is of the classes %j', (text, classes) => {
    expect(classesOf(text)).toEqual(classes)
  })

  test.each([
    ['slashes', '\\'],
    ['dots', 'a.'],
    ['percent signs', '%0'],
    ['hyphens', '0-'],
    ['device names', '\\Device'],
  ])('of many %s costs no time', (_, piece) => {
    const bytes = Buffer.from(`${piece.repeat(512)}\0`.repeat(1_000), 'latin1')
    const start = process.cpuUsage()
    read(bytes)
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(1_500)
  })
})

describe('names of security products', () => {
  test('are found in any case and behind a path', () => {
    expect(securityProductOf('C:\\Program Files\\x\\MSMPENG.EXE')).toBe('Microsoft Defender')
    expect(securityProductOf('avp.exe')).toBe('Kaspersky')
    expect(securityProductOf('notepad.exe')).toBeNull()
  })

  test('of processes end like programs', () => {
    expect([isProcessName('a b.exe'), isProcessName('.exe'), isProcessName('a.dll')]).toEqual([
      ...[true, false, false],
    ])
  })
})
