import { describe, expect, test } from 'vitest'
import type { FileRow } from '../../../shared/contract/files'
import { digestsOf, factsWithoutAnalysis } from '../../intake/minimal-facts'
import { factsAsText, plain, rowsAsText } from './report'

// Clears the screen, sets the title of the terminal, turns the line around.
const HOSTILE = 'evil\u001b[2J\u001b]0;title\u0007\u202Esys.exe\r\nsecond\u009b31m'

/** Anything but line feeds that a terminal would act on. */
const ACTS = /[^\P{Cc}\n]|\p{Cf}/u

const row = (over: Partial<FileRow>): FileRow =>
  ({
    ...{ id: 1, sha256: 'ab'.repeat(32), name: 'a.sys', size: 1, machine: 'x64', signer: null },
    ...{ compiled: '2026-01-02T03:04:05Z', signature: 'none', evidence: 0, capabilities: 0 },
    ...{ known: null, blocked: false },
    ...over,
  }) as FileRow

describe('what reaches a terminal', () => {
  test('has no character that it would act on', () => {
    expect(plain(HOSTILE)).toBe('evil?[2J?]0;title??sys.exe??second?31m')
    expect(plain('Treiber für 装置 \u{1F600}.sys')).toBe('Treiber für 装置 \u{1F600}.sys')
  })

  test('of a list is one line a file, whatever the file is called', () => {
    const rows = [row({ name: HOSTILE, signer: HOSTILE }), row({ name: 'b.sys', evidence: 2 })]
    const text = rowsAsText(rows)
    expect(text).not.toMatch(ACTS)
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^abababababababab {2}2026-01-02 {2}x64 .*evil/),
      expect.stringMatching(/b\.sys {4}evidence 2$/),
      '',
    ])
    expect(rowsAsText([row({ sha256: null, compiled: null, machine: null })])).toMatch(/^- +- +- /)
  })

  test('of a file is the same, in its name and in what is said of it', () => {
    const facts = factsWithoutAnalysis(3, digestsOf(Buffer.from('MZ!')), [
      { id: 'broken', severity: 'broken', text: HOSTILE, offset: null },
    ])
    const text = factsAsText(HOSTILE, facts, [HOSTILE])
    expect(text).not.toMatch(ACTS)
    const lines = text.trimEnd().split('\n')
    expect(lines).toHaveLength(5)
    expect(lines[1]).toBe(`  SHA-256       ${facts.hashes.sha256}`)
    expect(lines[4]).toMatch(/^ {2}anomaly {7}broken: evil/)
  })
})
