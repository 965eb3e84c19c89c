// Starting other programs.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { root } from './paths.mjs'

/**
 * Run a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & {
 *   onOutput?: (text: string) => void }} [options] onOutput gets what comes through pipes
 * @returns {Promise<number>} exit status; 128 plus the signal's number is reported as 128
 */
export function run(command, args, { onOutput, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    for (const stream of onOutput ? [child.stdout, child.stderr] : []) {
      stream?.setEncoding('utf8').on('data', onOutput)
    }
    const forward = (signal) => child.kill(signal)
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, forward)
    const settle = (finish) => {
      for (const signal of signals) process.off(signal, forward)
      finish()
    }
    child.once('error', (error) => settle(() => reject(error)))
    child.once('close', (code) => settle(() => resolve(code ?? 128)))
  })
}

/**
 * Run a program and keep what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ status: number, stdout: string, stderr: string }>} status 127 when it is absent
 */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.once('error', (error) => resolve({ status: 127, stdout, stderr: error.message }))
    child.once('close', (code) => resolve({ status: code ?? 128, stdout, stderr }))
  })
}

/** Full path of a program on PATH, or undefined. */
export function which(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
}

/**
 * How to start npm: the one that started us, else the one that came with this Node, else PATH's.
 * @param {string[]} args
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function npm(args) {
  const started = process.env.npm_execpath
  if (started && basename(started).startsWith('npm-cli')) {
    return { command: process.execPath, args: [started, ...args], shell: false }
  }
  // npm is a .cmd file on Windows, which only a shell starts.
  return { command: 'npm', args, shell: process.platform === 'win32' }
}
