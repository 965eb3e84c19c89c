// A virtual display. Started directly rather than by xvfb-run: the server picks a free number
// itself and says which, so that two runs never meet.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from './log.mjs'

/** An .Xauthority file with one cookie that fits any host and display. */
function authority() {
  const counted = (data) => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(data.length)
    return Buffer.concat([length, data])
  }
  const familyWild = Buffer.from([0xff, 0xff])
  const name = Buffer.from('MIT-MAGIC-COOKIE-1')
  const empty = Buffer.alloc(0)
  return Buffer.concat([familyWild, ...[empty, empty, name, randomBytes(16)].map(counted)])
}

/**
 * Run `work` with an X server of its own.
 * @template T
 * @param {(env: Record<string, string>) => Promise<T>} work gets DISPLAY and XAUTHORITY
 * @returns {Promise<T>}
 */
export async function withVirtualDisplay(work) {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-display-'))
  const cookie = join(folder, 'authority')
  writeFileSync(cookie, authority(), { mode: 0o600 })
  const screen = ['-screen', '0', '1600x1000x24', '-nolisten', 'tcp']
  const server = spawn('Xvfb', ['-displayfd', '3', '-auth', cookie, ...screen], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const stop = () => server.kill()
  process.once('exit', stop)
  try {
    const display = await new Promise((resolve, reject) => {
      let complaint = ''
      const fail = (text) => reject(new SetupError('The virtual display did not start.', text))
      server.stderr.setEncoding('utf8').on('data', (text) => (complaint += text))
      server.once('error', (error) => fail(error.message))
      server.once('exit', () => fail(complaint.trim()))
      server.stdio[3].setEncoding('utf8').once('data', (text) => resolve(text.trim()))
    })
    return await work({ DISPLAY: `:${display}`, XAUTHORITY: cookie })
  } finally {
    process.off('exit', stop)
    stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
