// One file out of an npm package, without installing it: for packages that are far too big for
// node_modules. Registry, credentials and proxies are npm's own settings.

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, readdirSync, statSync } from 'node:fs'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { SetupError, progress, say } from './log.mjs'
import { capture, npm } from './run.mjs'

const blockBytes = 512

/**
 * A stream that takes a tar archive and passes on the bytes of one entry.
 * @param {string} name path inside the archive, at most 100 characters
 */
export function tarEntry(name) {
  let pending = Buffer.alloc(0)
  let wantedLeft = 0
  let skipLeft = 0
  let found = false
  return new Transform({
    transform(chunk, _encoding, done) {
      let data = pending.length ? Buffer.concat([pending, chunk]) : chunk
      pending = Buffer.alloc(0)
      while (data.length > 0) {
        if (wantedLeft > 0) {
          const part = data.subarray(0, wantedLeft)
          wantedLeft -= part.length
          data = data.subarray(part.length)
          this.push(part)
        } else if (skipLeft > 0) {
          const skipped = Math.min(skipLeft, data.length)
          skipLeft -= skipped
          data = data.subarray(skipped)
        } else if (data.length < blockBytes) {
          pending = data
          break
        } else {
          const header = data.subarray(0, blockBytes)
          data = data.subarray(blockBytes)
          if (header[0] === 0) continue
          const entry = header.toString('utf8', 0, 100).replace(/\0.*$/s, '')
          const bytes = Number.parseInt(header.toString('latin1', 124, 136).trim(), 8)
          const padding = (blockBytes - (bytes % blockBytes)) % blockBytes
          if (entry === name) {
            found = true
            wantedLeft = bytes
            skipLeft = padding
          } else {
            skipLeft = bytes + padding
          }
        }
      }
      done()
    },
    flush(done) {
      const whole = found && wantedLeft === 0
      done(whole ? null : new Error(`The archive holds no whole ${name}.`))
    },
  })
}

/** Passes bytes on, hashing and counting them. */
function tap(hash, onBytes) {
  let count = 0
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk)
      onBytes((count += chunk.length))
      done(null, chunk)
    },
  })
}

/**
 * Write one file of a gzipped tarball to `target` while hashing the whole; on a mismatch the file is
 * removed again.
 * @param {import('node:stream').Readable} source the tarball
 * @param {number | undefined} total its size, for the progress
 * @param {{ title: string, entry: string, integrity: string, target: string }} options
 */
export async function extract(source, total, { title, entry, integrity, target }) {
  const hash = createHash('sha512')
  const bar = progress(title, total)
  const counted = tap(hash, (count) => bar.update(count))
  await pipeline(source, counted, createGunzip(), tarEntry(entry), createWriteStream(target))
  const actual = `sha512-${hash.digest('base64')}`
  if (actual !== integrity) {
    rmSync(target, { force: true })
    throw new SetupError(
      `The downloaded package is not the expected one: its integrity is ${actual}.`,
      'Nothing of it was used. Is a proxy or a mirror changing downloads?',
    )
  }
  bar.done()
}

async function npmValue(args) {
  const { command, args: all, shell } = npm([...args, '--loglevel=error'])
  const { status, stdout, stderr } = await capture(command, all, { shell })
  if (status === 0) return stdout.trim()
  const lines = stderr.match(/(?<=^npm (error|ERR!) ).+/gm) ?? []
  const reason = lines.find((line) => !/^(code|errno|syscall|A complete log)\b/.test(line))
  throw new Error(reason ?? `npm ${args[0]} ended with status ${status}`)
}

async function viaFetch(url, options) {
  // A server that accepts the connection and then says nothing must not hold everything up.
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), 60_000)
  try {
    const response = await fetch(url, { signal: silence.signal })
    if (!response.ok || !response.body) throw new Error(`${response.status} for ${url}`)
    const body = Readable.fromWeb(response.body)
    body.on('data', () => timer.refresh())
    body.pause()
    await extract(body, Number(response.headers.get('content-length')) || undefined, options)
  } finally {
    clearTimeout(timer)
  }
}

/** Slower and without progress, but with npm's credentials, proxy settings and retries. */
async function viaNpm(spec, options) {
  const folder = `${options.target}.npm`
  mkdirSync(folder, { recursive: true })
  try {
    say('Trying again with npm itself (no progress is shown).')
    await npmValue(['pack', spec, '--pack-destination', folder, '--cache', join(folder, 'cache')])
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
    if (!tarball) throw new Error('npm pack left no file')
    const file = join(folder, tarball)
    await extract(createReadStream(file), statSync(file).size, options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Fetch one file of a package from the registry that npm is configured for.
 * @param {string} spec exact name@version
 * @param {object} options
 * @param {string} options.title shown while it downloads
 * @param {string} options.entry path inside the tarball, `package/...`
 * @param {string} options.integrity of the tarball, `sha512-...`; anything else is refused
 * @param {string} options.target file to write
 */
export async function fetchPackageFile(spec, options) {
  try {
    const url = await npmValue(['view', spec, 'dist.tarball'])
    try {
      await viaFetch(url, options)
    } catch (error) {
      if (error instanceof SetupError) throw error
      say(`The download stopped: ${error.cause?.message ?? error.message}`)
      await viaNpm(spec, options)
    }
  } catch (error) {
    if (error instanceof SetupError) throw error
    throw new SetupError(
      `${spec} could not be fetched: ${error.message}`,
      'Is the npm registry reachable? `npm ping` tells. Running the command again starts anew.',
    )
  }
}
