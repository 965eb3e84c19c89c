// Wine as a second witness: builds small drivers with mingw-w64, runs them under Wine, and brings back
// what driver and program printed.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from './log.mjs'
import { capture, which } from './run.mjs'

const COMPILER = 'x86_64-w64-mingw32-gcc'
const DDK = ['/usr/share/mingw-w64/include/ddk', '/usr/x86_64-w64-mingw32/include/ddk']
const WINE_TIMEOUT_MS = 120_000

/** What is missing for the witness, or undefined when everything is there. */
export function missingWitness() {
  if (!which('wine')) return 'wine is not installed (Debian: wine64)'
  if (!which(COMPILER)) return `${COMPILER} is not installed (Debian: gcc-mingw-w64-x86-64)`
  return undefined
}

/** What a driver and its program printed. `#` lines are the program's own business. */
export function readOutput(stdout, stderr) {
  const lines = (text) => text.replaceAll('\r', '').split('\n')
  const printed = lines(stderr).flatMap((line) => {
    const found = /warn:debugstr:vDbgPrintExWithPrefix [0-9a-f]+:[0-9a-f]+: (.*)$/.exec(line)
    return found ? [found[1].trim()] : []
  })
  const client = lines(stdout).filter((line) => line !== '' && !line.startsWith('#'))
  return { printed, client }
}

/** A Wine that starts from nothing and leaves nothing behind. */
export class Wine {
  #folder = mkdtempSync(join(tmpdir(), 'ring0-witness-'))
  #sources

  /** @param {string} sources folder with the C files */
  constructor(sources) {
    this.#sources = sources
  }

  get #env() {
    return {
      PATH: process.env.PATH,
      HOME: this.#folder,
      WINEPREFIX: join(this.#folder, 'prefix'),
      // DbgPrint ends in this channel; everything else is silent. No helpers for .NET and HTML.
      WINEDEBUG: '-all,warn+debugstr',
      WINEDLLOVERRIDES: 'mscoree,mshtml=',
    }
  }

  #wine(args) {
    const options = { env: this.#env, cwd: this.#folder, timeout: WINE_TIMEOUT_MS }
    return capture('wine', args, options)
  }

  async #compile(name, args) {
    const output = join(this.#folder, name)
    const warnings = ['-O1', '-Wall', '-Wno-unused-function', '-Wno-multichar']
    const { status, stderr } = await capture(COMPILER, [...warnings, '-o', output, ...args], {
      cwd: this.#sources,
    })
    if (status !== 0) throw new SetupError(`${name} does not compile`, stderr)
  }

  async start() {
    mkdirSync(this.#env.WINEPREFIX)
    await this.#compile('client.exe', ['client.c'])
    const { status, stderr } = await this.#wine(['wineboot', '-i'])
    if (status !== 0) throw new SetupError('Wine does not start', stderr)
  }

  /** Build a driver, install, start, use and stop it. */
  async run(name) {
    const image = ['-shared', '-nostdlib', '-Wl,--subsystem,native', '-Wl,-e,DriverEntry']
    const headers = DDK.map((folder) => `-I${folder}`)
    const libraries = ['-lntoskrnl', '-lhal']
    await this.#compile(`${name}.sys`, [...image, ...headers, `${name}.c`, ...libraries])
    const { stdout, stderr } = await this.#wine(['client.exe', `${name}.sys`])
    return readOutput(stdout, stderr)
  }

  async end() {
    await capture('wineserver', ['-k'], { env: this.#env })
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
