import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fixture } from './pages/files-page'
import { expect, test } from './fixtures/launch'

// What the window can do with driver files, from the terminal: the very program that people start.

const root = resolve(__dirname, '..')

interface Answer {
  status: number | null
  out: string
  err: string
}

function ring0(...words: string[]): Answer {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts/ring0.mjs'), ...words],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  return { status, out: stdout, err: stderr }
}

const json = <T>({ out }: Answer): T => JSON.parse(out) as T

const FERRY = 'de5d9f5c547ab203c2724555ae801156c9d02b78d84ba999d1b13fcdaea8c895'

// The first call after a change makes the program anew, and says so.
test.beforeAll(() => {
  expect(ring0('help').status).toBe(0)
})

test('scan says what a file is, in words and as JSON, and keeps nothing', ({ profile }) => {
  const words = ring0('scan', fixture('pe', 'ferry-forged.sys'))
  expect(words.err).toBe('')
  expect(words.status).toBe(0)
  for (const text of [
    FERRY,
    'Old Harbour Software Visible',
    'Compiled 2023-05-02, but the time stamp says it was signed 2013-10-01.',
    '\\Device\\LabFerry',
    '0x0012C803',
  ])
    expect(words.out).toContain(text)

  // A folder, the archive in it too; a file that is no driver is said and makes the status 1.
  writeFileSync(join(profile, 'empty.sys'), '')
  const scan = ring0('scan', fixture('pe'), join(profile, 'empty.sys'), '--json')
  expect(scan.status).toBe(1)
  const { schema, files, failures } = json<{
    schema: string
    files: { name: string; facts: { hashes: { sha256: string }; evidence: unknown[] } }[]
    failures: { name: string; reason: string }[]
  }>(scan)
  expect(schema).toBe('ring0-scan/1')
  expect(files.filter(({ name }) => name.endsWith('.sys'))).toHaveLength(5)
  expect(files.find(({ facts }) => facts.hashes.sha256 === FERRY)?.facts.evidence).toHaveLength(5)
  expect(failures).toHaveLength(1)
  expect(failures[0]!.name).toContain('empty.sys')
  expect(failures[0]!.reason).not.toBe('')
})

test('import, search and export share one catalogue', ({ profile }) => {
  const catalogue = join(profile, 'shelf')
  mkdirSync(catalogue)
  const on = (...words: string[]): Answer => ring0(...words, '--catalogue', catalogue)

  const first = on('import', fixture('pe'), '--tag', 'case 7')
  expect(first.err).toBe('')
  expect(first.out).toMatch(/^4 added, 1 merged, 0 failed$/m)
  expect(first.status).toBe(0)
  const second = on('import', fixture('pe'), '--json')
  expect(json(second)).toMatchObject({ added: 0, merged: 5, failed: 0, failures: [] })

  const found = on('search', 'device:*ferry*', 'tag:"case 7"')
  expect(found.out).toContain('ferry-forged.sys')
  expect(found.out).toMatch(/^1 of 1$/m)
  const unsigned = json<{ total: number; files: { name: string }[] }>(
    on('search', 'origin:file', '-signed', '--json'),
  )
  expect(unsigned).toMatchObject({ total: 1, files: [{ name: 'lantern.sys' }] })
  const unknown = on('search', '0'.repeat(64))
  expect(unknown.out).toContain('No file here has this hash.')
  const odd = on('search', 'status:brokn')
  expect(odd.status).toBe(1)
  expect(odd.err).toContain('brokn')

  // The export is all that stands on standard output: it can go into a pipe.
  const csv = on('export', 'origin:file', '--format', 'csv')
  expect(csv.status).toBe(0)
  const lines = csv.out.trim().split(/\r?\n/)
  expect(lines).toHaveLength(5)
  expect(csv.out).toContain(FERRY)
  const file = join(profile, 'shelf.json')
  expect(on('export', 'origin:file', '--format', 'json', '--out', file).status).toBe(0)
  const other = ring0('import', file, '--catalogue', join(profile, 'other'), '--json')
  expect(json(other)).toMatchObject({ added: 4, merged: 0, failed: 0 })
})

test('a file of another program is no catalogue, and stays as it is', ({ profile }) => {
  const database = Buffer.alloc(4096)
  database.write('SQLite format 3\0', 'latin1')
  database.writeUInt32BE(0x0f055112, 68) // application id of another program
  for (const [name, content] of [
    ['notes.sqlite', Buffer.from('these are my notes\n')],
    ['fossil.sqlite', database],
  ] as const) {
    const file = join(profile, name)
    writeFileSync(file, content)
    const { status, out, err } = ring0('search', 'ferry', '--catalogue', file)
    expect({ name, status, out }).toEqual({ name, status: 1, out: '' })
    expect(err).toMatch(/^ring0: /)
    expect(err).toContain(name)
    expect(err).not.toContain('    at ')
    expect(readFileSync(file).equals(content)).toBe(true)
  }
})

test('no name and no text of a file reaches the terminal as a control sequence', ({ profile }) => {
  const folder = join(profile, 'hostile')
  mkdirSync(folder)
  // Windows allows no control characters in names, but what turns a line around it does.
  const control = process.platform === 'win32' ? '' : '\u001b]0;owned\u0007\u001b[2J'
  const evil = `a${control}\u202egnp.sys`
  writeFileSync(join(folder, evil), readFileSync(fixture('pe', 'lantern.sys')))
  writeFileSync(join(folder, `broken-${evil}`), '')
  const catalogue = join(profile, 'shelf')
  for (const answer of [
    ring0('scan', folder),
    ring0('import', folder, '--catalogue', catalogue),
    ring0('search', 'origin:file', '--catalogue', catalogue),
  ]) {
    expect(answer.out + answer.err).toContain('gnp.sys')
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(answer.out + answer.err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
  }
})
