import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { InfFacts } from '../../../shared/driver-file/package-facts'
import { parseInf } from '.'

const read = (name: string): InfFacts =>
  parseInf(readFileSync(resolve(__dirname, '../../../../data/fixtures/inf', name)))
const parse = (...lines: string[]): InfFacts => parseInf(Buffer.from(lines.join('\r\n')))

/** The least that an install section needs around it. */
const install = (...lines: string[]): InfFacts =>
  parse('[Version]', 'Signature="$Windows NT$"', '[DestinationDirs]', 'DefaultDestDir=12', ...lines)

describe('a function driver', () => {
  const lamp = read('lamp.inf')

  test('has its version, with string tokens replaced', () => {
    expect(lamp.problems).toEqual([])
    expect(lamp.version).toMatchObject({
      Class: 'System',
      Provider: 'Old Harbour Software',
      DriverVer: '02/03/2024,2.4.1.9',
      CatalogFile: 'lamp.cat',
      PnpLockdown: '1',
    })
  })

  test('lists the models of every architecture with all ids, over continued lines', () => {
    expect(lamp.models).toEqual([
      {
        description: 'Desk lamp',
        ids: ['PCI\\VEN_1AF4&DEV_1040', 'PCI\\VEN_1AF4&DEV_1041'],
        section: 'Lamp_Device',
      },
      {
        description: 'Floor lamp; tall',
        ids: ['USB\\VID_1209&PID_0001', 'USB\\VID_1209&PID_0002'],
        section: 'Lamp_Device',
      },
      { description: 'Desk lamp', ids: ['PCI\\VEN_1AF4&DEV_1040'], section: 'Lamp_Arm' },
    ])
  })

  test('says which services it makes, and from where they run', () => {
    expect(lamp.services).toEqual([
      {
        name: 'lamp',
        displayName: 'Lamp service',
        type: 'SERVICE_KERNEL_DRIVER',
        start: 'SERVICE_DEMAND_START',
        errorControl: 'SERVICE_ERROR_NORMAL',
        binary: '%SystemRoot%\\System32\\drivers\\lamp.sys',
        loadOrderGroup: 'Extended Base',
        dependencies: ['wdf01000', 'acpi'],
      },
      {
        name: 'lampx',
        displayName: '',
        type: 'SERVICE_KERNEL_DRIVER',
        start: 'SERVICE_DEMAND_START',
        errorControl: 'SERVICE_ERROR_NORMAL',
        binary: '(driver store)\\lampx.sys',
        loadOrderGroup: '',
        dependencies: [],
      },
    ])
  })

  test('says what it writes into the registry; HKR of a service is its key', () => {
    const services = 'SYSTEM\\CurrentControlSet\\Services'
    const lines = lamp.registry.map(({ action, root, key, name, type, value }) =>
      [action, root, key, name, type, value].join(' | '),
    )
    expect(lines).toEqual([
      'add | HKR |  | Brightness | REG_DWORD | 75',
      'add | HKR | Modes | Names | REG_MULTI_SZ | warm,cold "blue"',
      'add | HKLM | SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run | Lamp | REG_EXPAND_SZ | ' +
        '%ProgramFiles%\\Old Harbour\\Lamp\\lamp.exe /tray',
      'delete | HKLM | SOFTWARE\\Old Harbour | Obsolete | REG_SZ | ',
      'add | HKR |  | Security | REG_SZ | D:P(A;;GA;;;SY)(A;;GA;;;BA)',
      `add | HKLM | ${services}\\lamp\\Parameters | Timeout | REG_DWORD | 0x1e`,
      `add | HKLM | ${services}\\EventLog\\System\\lamp | EventMessageFile | REG_EXPAND_SZ | ` +
        '%SystemRoot%\\System32\\drivers\\lamp.sys',
      `add | HKLM | ${services}\\EventLog\\System\\lamp | TypesSupported | REG_DWORD | 7`,
    ])
  })

  test('says which files go where', () => {
    expect(lamp.files).toEqual([
      { name: 'lamp.sys', destination: '%SystemRoot%\\System32\\drivers' },
      { name: 'lamp.exe', destination: '%ProgramFiles%\\Old Harbour\\Lamp' },
      { name: 'lampx.sys', destination: '%SystemRoot%\\System32\\drivers' },
    ])
  })
})

describe('other kinds of package', () => {
  test('a minifilter shows its altitude and its group; its removal is not an installation', () => {
    const watcher = read('watcher.inf')
    expect(watcher.problems).toEqual([])
    expect(watcher.services).toMatchObject([
      {
        name: 'watcher',
        type: 'SERVICE_FILE_SYSTEM_DRIVER',
        start: 'SERVICE_BOOT_START',
        loadOrderGroup: 'FSFilter Activity Monitor',
        dependencies: ['FltMgr'],
      },
    ])
    expect(watcher.registry).toContainEqual({
      root: 'HKLM',
      key: 'SYSTEM\\CurrentControlSet\\Services\\watcher\\Instances\\watcher instance',
      name: 'Altitude',
      type: 'REG_SZ',
      value: '385200',
      action: 'add',
    })
    expect(watcher.files).toHaveLength(1)
  })

  test('a legacy service in code page 1252 and lower case', () => {
    const gate = read('gate.inf')
    expect(gate.problems).toEqual([])
    expect(gate.version['provider']).toBe('Hafenbehörde')
    expect(gate.services).toMatchObject([
      {
        displayName: 'Tor für alles',
        start: 'SERVICE_SYSTEM_START',
        errorControl: 'SERVICE_ERROR_IGNORE',
      },
    ])
    expect(gate.files.map(({ name }) => name)).toEqual(['gate.sys', 'gate2.sys'])
    expect(gate.registry.map(({ action }) => action)).toEqual(['add', 'delete'])
  })

  test('UTF-16 with strings in two languages: what Windows falls back to is shown', () => {
    const ferry = read('ferry.inf')
    expect(ferry.problems).toEqual([])
    expect(ferry.models[0]?.description).toBe('Ferry network filter')
    expect(ferry.version).toMatchObject({ 'CatalogFile.NTamd64': 'ferry64.cat' })
  })

  test('English strings go before those without a language, and any language before none', () => {
    const version = ['[Version]', 'Signature="$Windows NT$"', 'Provider=%P%', 'Class=%C%']
    const facts = parse(
      ...version,
      '[Strings]',
      'P=neutral',
      '[Strings.0409]',
      'P=English',
      '[Strings.0804]',
      'C=only',
    )
    expect(facts.version).toMatchObject({ Provider: 'English', Class: 'only' })
    expect(facts.problems).toEqual([])
  })
})

describe('the syntax', () => {
  test('sections of one name are one, whatever their case', () => {
    const facts = install('[DefaultInstall]', 'CopyFiles=A', '[a]', 'x.sys', '[A]', 'y.sys')
    expect(facts.files.map(({ name }) => name)).toEqual(['x.sys', 'y.sys'])
  })

  test('a mark = behind a comma belongs to the value', () => {
    const facts = install('[DefaultInstall]', 'AddReg=R', '[R]', 'HKLM,K,N,,a=b')
    expect(facts.registry).toMatchObject([{ key: 'K', name: 'N', value: 'a=b' }])
  })

  test.each([
    ['.NT', true],
    ['.NTamd64', true],
    ['.ntx86.5.1', true],
    ['.NTamd64.10.0...17763', true],
    ['.NTarm64', true],
    ['.Services', false],
    ['.NTrouble', false],
  ])('[DefaultInstall%s] is a variant of the install section: %s', (decoration, isVariant) => {
    const facts = install(`[DefaultInstall${decoration}]`, 'CopyFiles=@x.sys')
    expect(facts.files).toHaveLength(isVariant ? 1 : 0)
  })

  test('unknown registry types and directories keep their numbers', () => {
    const facts = parse(
      '[Version]',
      'Signature="$Windows NT$"',
      '[DestinationDirs]',
      'F=65000,sub',
      '[DefaultInstall]',
      'AddReg=R',
      'CopyFiles=F',
      '[R]',
      'HKLM,K,N,0x00120000,x',
      '[F]',
      'x.sys',
    )
    expect(facts.registry[0]?.type).toBe('0x00120000')
    expect(facts.files).toEqual([{ name: 'x.sys', destination: '(directory 65000)\\sub' }])
  })
})

describe('files that are broken or mean no good', () => {
  test('what cannot be understood is told with its line, and the rest is read', () => {
    const broken = read('broken.inf')
    expect(broken.problems).toEqual([
      'line 1: stands before the first section',
      'line 2: a section name is not closed by ]',
      'line 3: a quote is not closed; it ends with the line',
      'line 4: %Nobody% is not in [Strings]',
      'line 7: there is no section [Nowhere]',
      'line 11: there is no section [Install_Missing]',
      'line 15: there is no section [Files_Missing]',
      'line 19: there is no section [Service_Missing]',
      'line 23: [DestinationDirs] says no directory for this list',
      'line 26: no-flag is no flag',
    ])
    expect(broken.services.map(({ name }) => name)).toEqual(['other'])
  })

  test.each([
    ['nothing', ''],
    ['a program', 'MZ\x90\0\x03\0\0\0'],
    ['another text', '<html>\n</html>'],
  ])('%s is no INF, and says so', (_, text) => {
    const facts = parseInf(Buffer.from(text, 'latin1'))
    expect(facts.problems.join()).toMatch(/there is no section \[Version\]/)
    expect(facts.services).toEqual([])
  })

  const many = (count: number, line: (i: number) => string): string[] =>
    Array.from({ length: count }, (_, i) => line(i))

  test.each([
    [
      'a string that grows',
      [
        '[DefaultInstall]',
        'AddReg=R',
        '[R]',
        `HKLM,${'%a%'.repeat(5000)}`,
        '[Strings]',
        `a=${'x'.repeat(16_000)}`,
      ],
    ],
    [
      'many services of one long section',
      [
        '[DefaultInstall]',
        '[DefaultInstall.Services]',
        ...many(20_000, (i) => `AddService=s${i},,S`),
        '[S]',
        ...many(50_000, () => 'x=y'),
      ],
    ],
    [
      'many services of many directives',
      [
        '[DefaultInstall]',
        '[DefaultInstall.Services]',
        ...many(20_000, (i) => `AddService=s${i},,S`),
        '[S]',
        ...many(50_000, (i) => `AddReg=R${i}`),
      ],
    ],
    [
      'many services that write one long list',
      [
        '[DefaultInstall]',
        '[DefaultInstall.Services]',
        ...many(20_000, (i) => `AddService=s${i},,S`),
        '[S]',
        'AddReg=R',
        '[R]',
        ...many(50_000, () => 'HKR,a'),
      ],
    ],
    [
      'many models and many sections',
      [
        '[Manufacturer]',
        'm=M',
        '[M]',
        ...many(30_000, (i) => `d=I${i},id${i}`),
        ...many(60_000, (i) => `[I${i}]`),
      ],
    ],
    ['many files', ['[DefaultInstall]', 'CopyFiles=F', '[F]', ...many(90_000, (i) => `f${i}.sys`)]],
    ['a line that never ends', ['[DefaultInstall]', ...many(90_000, () => 'CopyFiles=@x.sys,\\')]],
    ['quotes without end', ['[DefaultInstall]', `CopyFiles=${'"'.repeat(1_000_001)}`]],
    ['millions of lines', many(2_000_000, () => 'x')],
    ['eight million bytes on one line', [`[DefaultInstall]\nCopyFiles=${'@x,'.repeat(3_000_000)}`]],
  ])('%s', (_, lines) => {
    const start = performance.now()
    const facts = install(lines.join('\n'))
    expect(performance.now() - start).toBeLessThan(60_000)
    expect(InfFacts.safeParse(facts).success).toBe(true)
    expect(JSON.stringify(facts).length).toBeLessThan(20_000_000)
    for (const list of [facts.models, facts.services, facts.registry, facts.files]) {
      expect(list.length).toBeLessThanOrEqual(5000)
    }
    expect(facts.problems.length).toBeLessThanOrEqual(102)
  })

  test('keys with a meaning of their own change nothing', () => {
    const facts = parse('[Version]', 'Signature="$Windows NT$"', '__proto__=x', 'constructor=y')
    expect(Object.getPrototypeOf(facts.version)).toBe(Object.prototype)
    expect(Object.keys(facts.version)).toEqual(['Signature', 'constructor'])
  })

  test('bytes at random are read without an exception', () => {
    const original = readFileSync(resolve(__dirname, '../../../../data/fixtures/inf/lamp.inf'))
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed % below
    }
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(original)
      for (let i = 0; i < 20; i += 1) bytes[random(bytes.length)] = random(256)
      expect(InfFacts.safeParse(parseInf(bytes.subarray(0, random(bytes.length)))).success).toBe(
        true,
      )
    }
  })
})
