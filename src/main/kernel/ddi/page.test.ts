import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DDI_FACTS } from '../../../shared/nt/ddi-facts'
import { DDIS } from './index'
import { ddiPage, missingRoutines } from './page'

describe('docs/ddi.md', () => {
  const page = ddiPage()

  test('is what the table gives now', () => {
    const kept = readFileSync(join(__dirname, '../../../../docs/ddi.md'), 'utf8')
    // Compared as a whole, but without printing 50 KB of difference.
    expect(kept === page, 'run npm run docs').toBe(true)
  })

  test('has each routine once', () => {
    const names = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    const wanted = new Set([...Object.keys(DDI_FACTS), ...Object.keys(DDIS)])
    expect([...names].sort()).toEqual([...wanted].sort())
  })

  test('has nothing that is missing', () => {
    expect(missingRoutines()).toEqual([])
  })

  test('names the deviation of everything that is partial', () => {
    const silent = Object.entries(DDIS).filter(
      ([, { support, note }]) => support === 'partial' && !note,
    )
    expect(silent.map(([name]) => name)).toEqual([])
  })
})
