import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildEntry, type BuiltEntry } from './testing/build-entry'
import { Folder } from './testing/desk'
import { loadYara, type Yara, type YaraOptions } from './yara'
import { INCLUDES_MAX, resolveIncludes, scanSource } from './yara-source'

const fixtures = resolve(__dirname, '../../../data/fixtures/pe')
const lantern = readFileSync(join(fixtures, 'lantern.sys'))

let built: BuiltEntry
beforeAll(async () => {
  built = await buildEntry('src/main/intake/yara-worker.ts')
})
afterAll(() => built.remove())

let folder: Folder
const open: Yara[] = []
beforeEach(() => {
  folder = new Folder()
})
afterEach(async () => {
  for (const yara of open.splice(0)) await yara.close()
  folder.remove()
})

async function load(over: Partial<YaraOptions> = {}, memoryMb = 256): Promise<Yara> {
  const start = (): Worker =>
    new Worker(built.file, { workerData: { memoryBytesMax: memoryMb * 1024 * 1024 } })
  const yara = await loadYara(folder.path, {
    start,
    // Far above what any of it takes: a worker that has much beside it compiles for seconds.
    compileMsMax: 200_000,
    scanMsMax: 200_000,
    ...over,
  })
  open.push(yara)
  return yara
}

test('matches carry rule, tags, meta and strings with their offsets', async () => {
  folder.put(
    'a.yar',
    `import "pe"
// rule not_this { condition: true }
rule lantern : byovd test_only {
  meta: author = "someone" level = 3 sure = true
  strings:
    $magic = "MZ"
    $device = "\\\\Device\\\\" wide
    $hex = { 4D 5A 90 ?? 03 }
    $regex = /\\.t[e]xt/
  condition: $magic at 0 and $regex and pe.number_of_sections > 3 and any of them
}
private rule helper { condition: true }
rule other { condition: helper and filesize < 10 }`,
  )
  const yara = await load()
  expect([yara.rules, yara.problems]).toEqual([2, []])
  const { matches, problem } = await yara.scan(lantern)
  expect(problem).toBeNull()
  expect(matches?.map(({ rule, tags, meta }) => ({ rule, tags, meta }))).toEqual([
    {
      rule: 'lantern',
      tags: ['byovd', 'test_only'],
      meta: { author: 'someone', level: '3', sure: 'true' },
    },
  ])
  const [match] = matches ?? []
  expect(match?.strings).toContainEqual({ id: '$magic', offset: 0, text: 'MZ' })
  expect(match?.strings.find(({ id }) => id === '$regex')?.text).toBe('.text')
  const device = match?.strings.find(({ id }) => id === '$device')
  expect(device?.text.startsWith('\\x5C\\x00D')).toBe(false)
  expect(device?.offset).toBe(lantern.indexOf(Buffer.from('\\Device\\', 'utf16le')))
})

test('what does not compile is told with file and line, and the other files apply', async () => {
  folder.put('bad.yar', 'rule a {\n  condition:\n    nonsense\n}')
  folder.put('sub/unused.yara', 'rule b {\n  strings:\n    $a = "x"\n  condition: true\n}')
  folder.put('good.yar', 'rule c { condition: true }')
  folder.put('notes.txt', 'no rules')
  const yara = await load()
  expect(yara.rules).toBe(1)
  expect(yara.problems).toEqual([
    'bad.yar:3: undefined identifier "nonsense"',
    expect.stringMatching(/^sub\/unused\.yara:\d: unreferenced string "\$a"$/),
  ])
  expect((await yara.scan(lantern)).matches?.map(({ rule }) => rule)).toEqual(['c'])
})

test('includes stay inside the folder', async () => {
  folder.put(
    'rules/main.yar',
    '// first\ninclude "lib/base.yar"\nrule m { condition: base and oops }',
  )
  folder.put('rules/lib/base.yar', 'private rule base {\n condition: true }\n')
  folder.put('rules/outside.yar', 'include "../../../../etc/passwd"\nrule o { condition: true }')
  folder.put('rules/absolute.yar', 'include "/etc/passwd"\nrule p { condition: true }')
  folder.put('rules/circle.yar', 'include "circle2.yar"\nrule q { condition: true }')
  folder.put('rules/circle2.yar', 'include "circle3.yar"\nrule r { condition: true }')
  folder.put('rules/circle3.yar', 'include "circle2.yar"\nrule s { condition: true }')
  folder.put('rules/fine.yar', 'include "./lib/base.yar"\nrule fine { condition: base }')
  const yara = await load()
  expect(yara.problems).toEqual([
    expect.stringMatching(/^rules\/absolute\.yar:1: .*not in the folder/),
    expect.stringMatching(/^rules\/circle3\.yar:1: .*includes itself/),
    'rules/main.yar:3: undefined identifier "oops"',
    expect.stringMatching(/^rules\/outside\.yar:1: .*not in the folder/),
  ])
  expect((await yara.scan(lantern)).matches?.map(({ rule }) => rule)).toEqual(['fine'])
})

test('rules of one name in two files, and global rules, do not disturb others', async () => {
  folder.put('a.yar', 'rule same : one { condition: true }')
  folder.put('b.yar', 'rule same : two { condition: true }')
  folder.put(
    'c.yar',
    'global rule never { condition: filesize == 1 }\nrule gated { condition: true }',
  )
  const { matches } = await (await load()).scan(lantern)
  expect(matches?.map(({ rule, tags }) => [rule, tags])).toEqual([
    ['same', ['one']],
    ['same', ['two']],
  ])
})

/** A condition that is still looked at when everybody has gone home. */
const slow = `${['i', 'j', 'k'].map((name) => `for all ${name} in (1..1000000) : (`).join(' ')} i + j + k > 0 )))`

test('rules that take for ever cost themselves only', async () => {
  folder.put('slow.yar', `rule slow { condition: ${slow} }`)
  folder.put('fine.yar', 'rule fine { condition: true }')
  const yara = await load({ compileMsMax: 2000 })
  expect(yara.problems).toEqual(['slow.yar: it took more than 2 s'])
  expect((await yara.scan(lantern)).matches?.map(({ rule }) => rule)).toEqual(['fine'])
})

test('a scan that takes for ever is ended, and the next file is scanned', async () => {
  folder.put('slow.yar', `rule slow { condition: filesize > 100 and ${slow} }`)
  const yara = await load({ scanMsMax: 3000 })
  expect(yara.rules).toBe(1)
  expect((await yara.scan(lantern)).problem).toBe(
    'Not all YARA rules were applied: it took more than 3 s.',
  )
  expect(await yara.scan(new Uint8Array(10))).toEqual({ matches: [], problem: null })
})

test('memory is bounded, and told', async () => {
  folder.put('fine.yar', 'rule fine { condition: true }')
  const yara = await load({}, 64)
  expect((await yara.scan(new Uint8Array(80 * 1024 * 1024))).problem).toMatch(
    /^Not all YARA rules were applied: /,
  )
  expect((await yara.scan(lantern)).matches?.length).toBe(1)
})

test('a folder that is gone is told', async () => {
  const yara = await loadYara(join(folder.path, 'gone'), {
    start: () => {
      throw new Error('not needed')
    },
  })
  expect(yara.problems).toEqual(['The folder of the rules: It is not there any more.'])
})

test('heads are read through comments, strings and regular expressions', () => {
  const { rules, includes } = scanSource(`
    /* rule no { } */ import "pe" // include "x"
    include "real.yar"
    global private rule a : t1 t2 { strings: $a = "rule b {" $r = /rule c \\/ { "/i condition: $a or $r }
    rule d{condition:true}`)
  expect(rules).toEqual([
    { name: 'a', tags: ['t1', 't2'], isPrivate: true, isGlobal: true },
    { name: 'd', tags: [], isPrivate: false, isGlobal: false },
  ])
  expect(includes.map(({ name }) => name)).toEqual(['real.yar'])
})

const yaraProgram = ['/usr/bin/yara', '/usr/local/bin/yara'].find(existsSync)
test.runIf(yaraProgram)('YARA itself finds the same', async () => {
  const rules = `import "pe" import "hash" import "math"
rule sections : t { condition: pe.number_of_sections > 3 and pe.machine == pe.MACHINE_AMD64 }
rule texts { strings: $a = "Device" wide $b = /[a-z]{5,8}\\.(sys|exe)/ $c = { 48 8? [2-6] C3 } $d = "lantern" xor(0-3) condition: 2 of them }
rule imports { condition: pe.imports("ntoskrnl.exe") and math.entropy(0, filesize) > 3.0 }
rule hashed { condition: hash.sha256(0, filesize) != "" and not pe.is_dll() }`
  const path = folder.put('rules.yar', rules)
  const yara = await load()
  expect(yara.problems).toEqual([])
  for (const file of ['lantern.sys', 'lantern-signed.sys', 'ferry-forged.sys']) {
    const target = join(fixtures, file)
    const printed = execFileSync(yaraProgram ?? '', ['-s', '-g', path, target]).toString()
    const { matches } = await yara.scan(readFileSync(target))
    const theirs = printed
      .split('\n')
      .filter(Boolean)
      .map((line) => /^0x([0-9a-f]+):(\$\w*)/.exec(line) ?? line.split(' ')[0])
      .map((line) =>
        typeof line === 'string' ? line : `${line[2]}@${parseInt(line[1] ?? '', 16)}`,
      )
    const ours = (matches ?? []).flatMap(({ rule, strings }) => [
      rule,
      ...strings.map(({ id, offset }) => `${id}@${offset}`),
    ])
    expect(ours).toEqual(theirs)
    expect(ours.length).toBeGreaterThan(3)
  }
})

describe('includes', () => {
  const texts = (all: Record<string, string>) => (name: string) => all[name] ?? null

  test('each line of the whole knows its file and line', () => {
    const read = texts({
      'a.yar': 'one\ninclude "sub/b.yar" two\nthree',
      'sub/b.yar': 'inner 1\ninner 2',
    })
    const unit = resolveIncludes('a.yar', read)
    expect(unit.text.split('\n')).toEqual(['one', 'inner 1', 'inner 2 two', 'three'])
    expect(unit.lines).toEqual([
      { file: 'a.yar', line: 1 },
      { file: 'a.yar', line: 2 },
      { file: 'sub/b.yar', line: 2 },
      { file: 'a.yar', line: 3 },
    ])
  })

  test('a file that does nothing but include is refused at once', () => {
    const read = texts({ 'a.yar': 'include "b.yar"\n'.repeat(200_000), 'b.yar': '' })
    const before = process.cpuUsage()
    expect(() => resolveIncludes('a.yar', read)).toThrow(`more than ${INCLUDES_MAX} files`)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(5)
  })
})
