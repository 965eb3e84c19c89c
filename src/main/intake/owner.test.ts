import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { isAlive, newOwner } from './owner'

const named = (pid: number, over: { start?: string; booted?: number } = {}): string =>
  [pid, over.start ?? '-', over.booted ?? newOwner().split(' ')[2], 'x'].join(' ')

describe('the program an import belongs to', () => {
  test('runs while its process does', () => {
    expect(isAlive(named(process.ppid))).toBe(true)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    expect(isAlive(named(pid))).toBe(false)
  })

  test('is gone when its number belongs to another: this process, or one after a restart', () => {
    expect(isAlive(newOwner())).toBe(false)
    expect(isAlive(named(process.ppid, { booted: Date.now() - 90 * 24 * 3600_000 }))).toBe(false)
    if (process.platform === 'linux')
      expect(isAlive(named(process.ppid, { start: '1' }))).toBe(false)
  })

  test.each([[''], ['x'], ['-1 - 0 x'], ['0 - 0 x'], ['1']])('is none in %j', (owner) => {
    expect(isAlive(owner)).toBe(false)
  })
})
