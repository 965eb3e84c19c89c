import { readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

// What no compiler checks: that arrows between folders point down, that a package is seen only
// where it belongs, and small habits of the tree.

const projectRoot = resolve(__dirname, '..')

interface Layer {
  /** Folders of src/ this one may import from, besides itself. */
  below: string[]
  /** Packages it may import; a name also admits what lies inside the package. */
  packages: string[]
  /** May it use Node's own modules? */
  node?: boolean
}

const services = [
  'main/desk',
  'main/catalogue',
  'main/intake',
  'main/known',
  'main/exchange',
  'main/lessons',
  'main/techniques',
  'main/detections',
  'main/yaml-text',
  'main/lab',
].concat(['main/package', 'main/pe', 'main/dsl', 'main/kernel', 'shared'])

/** The table of docs/architecture.md: who may import whom. */
const layers: Record<string, Layer> = {
  shared: { below: [], packages: ['zod'] },
  'main/kernel': { below: ['shared'], packages: [] },
  // Node for digests alone: nothing here reads a file.
  'main/pe': {
    below: ['shared'],
    // The last two read capability rules.
    packages: ['iced-x86', 'yaml', 'zod'],
    node: true,
  },
  'main/known': { below: ['shared'], packages: ['yaml', 'fast-xml-parser', 'zod'], node: true },
  // Node for digests and signatures: bytes in, bytes out.
  'main/package': {
    below: ['main/pe', 'main/known', 'shared'],
    packages: ['asn1js', 'zod'],
    node: true,
  },
  'main/exchange': { below: ['shared'], packages: ['yaml', 'zod'], node: true },
  'main/intake': {
    below: ['main/pe', 'main/known', 'shared'],
    packages: ['@zip.js/zip.js', 'libyara-wasm', 'yaml', 'zod'],
    node: true,
  },
  'main/dsl': {
    below: ['main/kernel', 'shared'],
    packages: ['quickjs-emscripten-core', '@jitl/*', 'typescript'].concat([
      'magic-string',
      'ts-blank-space',
    ]),
  },
  // Node for zlib alone: traces are kept packed.
  'main/lab': {
    below: ['main/dsl', 'main/package', 'main/kernel', 'shared'],
    packages: ['zod'],
    node: true,
  },
  'main/yaml-text': { below: ['shared'], packages: ['yaml', 'zod'] },
  // Node for the folders of lessons.
  'main/lessons': {
    below: ['main/detections', 'main/yaml-text', 'main/lab', 'main/dsl', 'main/kernel', 'shared'],
    packages: ['zod'],
    node: true,
  },
  // Node for the folders of rules.
  'main/detections': {
    below: ['main/yaml-text', 'main/lab', 'main/dsl', 'main/kernel', 'shared'],
    packages: ['yaml', 'zod'],
    node: true,
  },
  // Node for the folders of techniques.
  'main/techniques': {
    below: ['main/detections', 'main/yaml-text', 'main/lab', 'shared'],
    packages: ['zod'],
    node: true,
  },
  'main/catalogue': {
    below: ['main/known', 'main/exchange', 'shared'],
    packages: ['better-sqlite3', 'zod'],
    node: true,
  },
  'main/desk': {
    below: ['main/catalogue', 'main/intake', 'main/known', 'main/exchange', 'shared'],
    packages: ['zod'],
    node: true,
  },
  'main/app': { below: services, packages: ['electron', 'zod'], node: true },
  'main/cli': { below: services, packages: ['zod'], node: true },
  preload: { below: ['shared'], packages: ['electron'] },
  renderer: {
    below: ['shared'],
    packages: ['vue', 'pinia', 'monaco-editor', 'zod'].concat([
      '@vueuse/core',
      '@lucide/vue',
      '@fontsource/*',
    ]),
  },
}

const layerNames = Object.keys(layers)

/** The layer a path inside src/ belongs to; undefined for files of no layer. */
function layerOf(path: string): string | undefined {
  return layerNames.find((name) => path.startsWith(`${name}/`))
}

function isAmong(packages: string[], specifier: string): boolean {
  return packages.some((name) =>
    name.endsWith('/*')
      ? specifier.startsWith(name.slice(0, -1))
      : specifier === name || specifier.startsWith(`${name}/`),
  )
}

/**
 * Why an import breaks a rule, or undefined when it breaks none.
 * @param file importing file, relative to src/
 * @param specifier what stands between the quotes
 */
function objection(file: string, specifier: string): string | undefined {
  const from = layerOf(file)
  const layer = from === undefined ? undefined : layers[from]
  if (from === undefined || layer === undefined) return undefined
  // Folders called testing hold what tests share.
  const isTest = file.endsWith('.test.ts') || file.includes('/testing/')
  const [path = ''] = specifier.split('?')
  if (path.startsWith('.')) {
    const target = posix.join(posix.dirname(file), path)
    const to = layerOf(`${target}/`)
    if (target.startsWith('..') || to === undefined || to === from) return undefined
    return layer.below.includes(to) ? undefined : `${from} must not know ${to}`
  }
  if (isTest) return undefined
  if (path.startsWith('node:')) return layer.node ? undefined : `${from} must not use Node`
  return isAmong(layer.packages, path) ? undefined : `${from} must not use ${path}`
}

interface Source {
  /** Path inside the project, with forward slashes. */
  path: string
  text: string
}

function* filesUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* filesUnder(path)
    else if (entry.isFile()) yield path
  }
}

function sourcesUnder(...folders: string[]): Source[] {
  return folders
    .flatMap((folder) => [...filesUnder(join(projectRoot, folder))])
    .filter((path) => /\.(ts|mts|mjs|cjs|js|vue)$/.test(path))
    .map((path) => ({
      path: relative(projectRoot, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }))
}

/** Everything a file imports, exports from or requires. */
function importsOf({ path, text }: Source): string[] {
  const code = path.endsWith('.vue')
    ? [...text.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, script]) => script).join('\n')
    : text
  return ts.preProcessFile(code, true, true).importedFiles.map(({ fileName }) => fileName)
}

// Declarations of ambient modules (*.d.ts) look like imports and are none.
const product = sourcesUnder('src').filter(({ path }) => !path.endsWith('.d.ts'))
const everything = [...product, ...sourcesUnder('scripts', 'e2e')]

/** `path:line` of every match, in files for which `applies` holds. */
function places(pattern: RegExp, applies: (path: string) => boolean = () => true): string[] {
  return everything
    .filter(({ path }) => applies(path) && path !== 'src/tidy.test.ts')
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
    )
}

describe('arrows between folders', () => {
  test('point down', () => {
    const wrong = product.flatMap((source) => {
      const file = source.path.replace(/^src\//, '')
      return importsOf(source).flatMap((specifier) => {
        const reason = objection(file, specifier)
        return reason ? [`${source.path}: '${specifier}': ${reason}`] : []
      })
    })
    expect(wrong).toEqual([])
  })

  test.each([
    ['main/kernel/io/irp.ts', '../../dsl/compile', 'main/kernel must not know main/dsl'],
    ['main/kernel/io/irp.ts', 'node:fs', 'main/kernel must not use Node'],
    ['main/kernel/io/irp.ts', 'zod', 'main/kernel must not use zod'],
    ['shared/result.ts', '../main/lab/run', 'shared must not know main/lab'],
    ['renderer/src/views/Lab.vue', '../../../main/lab/run', 'renderer must not know main/lab'],
    ['main/cli/run.ts', 'electron', 'main/cli must not use electron'],
    ['main/catalogue/database.ts', '../lab/run', 'main/catalogue must not know main/lab'],
    ['main/kernel/io/irp.ts', '../ke/irql', undefined],
    ['main/kernel/io/irp.ts', '../../../shared/nt/irql', undefined],
    ['main/dsl/sandbox/quickjs.ts', '@jitl/quickjs-singlefile-cjs-release-sync', undefined],
    ['main/kernel/io/irp.test.ts', 'vitest', undefined],
    ['main/kernel/io/irp.test.ts', '../../dsl/compile', 'main/kernel must not know main/dsl'],
    ['renderer/src/editor.ts', 'monaco-editor/editor/editor.worker?worker', undefined],
  ])('%s importing %s: %s', (file, specifier, reason) => {
    expect(objection(file, specifier)).toBe(reason)
  })

  test('every folder that holds code has a layer', () => {
    const stray = product
      .map(({ path }) => path.replace(/^src\//, ''))
      .filter((file) => file.includes('/') && layerOf(file) === undefined)
    expect(stray).toEqual([])
  })
})

describe('habits', () => {
  test('nothing is left to do in the code', () => {
    expect(places(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  })

  test('no test is skipped or runs alone', () => {
    const isTest = (path: string): boolean => /\.(test|spec)\.ts$/.test(path)
    expect(places(/\b(test|it|describe)(\.\w+)*\.(only|skip|todo|fixme)\b/, isTest)).toEqual([])
  })

  test('a rule of the linter or the compiler is switched off only with a reason', () => {
    expect(places(/eslint-disable(?!.* -- )/)).toEqual([])
    expect(places(/@ts-(ignore|nocheck)\b/)).toEqual([])
  })

  test('no path or address of one machine is in the code', () => {
    // Tests and the fake behind component tests make paths up.
    const isProduct = (path: string): boolean => !/\.(test|spec)\.\w+$|\/testing\//.test(path)
    expect(places(/['"`](\/work|\/home|\/root|\/Users|C:\\Users)[\\/]/, isProduct)).toEqual([])
    expect(places(/registry\.npm|npmmirror|\/\/localhost/)).toEqual([])
  })

  test('files are kebab-case, components PascalCase', () => {
    const wrong = everything
      .map(({ path }) => path)
      .filter((path) => {
        const name = basename(path)
        const pattern = name.endsWith('.vue')
          ? /^[A-Z][A-Za-z0-9]*\.vue$/
          : /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)+$/
        return !pattern.test(name)
      })
    expect(wrong).toEqual([])
  })

  test('tests that load SQLite say so in their name', () => {
    const wrong = product
      .filter(({ path }) => path.endsWith('.test.ts') && !path.endsWith('.sqlite.test.ts'))
      .filter((source) => reaches(source, 'better-sqlite3'))
      .map(({ path }) => path)
    expect(wrong).toEqual([])
  })
})

const byPath = new Map(product.map((source) => [source.path, source]))

const loads = new Map<Source, string[]>()

/** What a file imports, but for types; read once, since many files reach it. */
function loadedBy(source: Source): string[] {
  let found = loads.get(source)
  if (!found) {
    const text = source.text.replace(/^import type [^'"]*['"][^'"]*['"]/gm, '')
    loads.set(source, (found = importsOf({ path: source.path, text })))
  }
  return found
}

/** Does a file load a package, itself or through what it imports? Types do not count. */
function reaches(source: Source, name: string, seen = new Set<string>()): boolean {
  if (seen.has(source.path)) return false
  seen.add(source.path)
  return loadedBy(source).some((specifier) => {
    if (specifier === name) return true
    if (!specifier.startsWith('.')) return false
    const target = posix.join(dirname(source.path), specifier)
    const next = [target, `${target}.ts`, `${target}/index.ts`].map((path) => byPath.get(path))
    return next.some((file) => file !== undefined && reaches(file, name, seen))
  })
}
