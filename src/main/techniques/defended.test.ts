/** Techniques on machines that defend themselves: what is said of them in technique.md. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { DefenceName } from '../../shared/defences'
import { SAMPLES } from '../lab/testing/samples'
import { readTechniques } from './library'
import { runTechnique } from './run'

const { techniques } = readTechniques(resolve(SAMPLES, '..', 'techniques'))

async function run(slug: string, defences: readonly DefenceName[]) {
  const technique = techniques.find((each) => each.slug === slug)!
  const { worked, report } = await runTechnique(technique, [], { scenario: { defences } })
  const { bugcheck } = report
  const stop = bugcheck ? [bugcheck.code, bugcheck.parameters[3]] : null
  return { worked, outcome: report.outcome, stop }
}

test.each<[string, DefenceName, string, string]>([
  ['ssdt-hook', 'patchguard', '0x00000109', '0x000000000000000A'],
  ['msr-hook', 'patchguard', '0x00000109', '0x0000000000000007'],
  ['dkom-hide-process', 'patchguard', '0x00000109', '0x0000000000000004'],
  ['module-hide', 'patchguard', '0x00000109', '0x0000000000000019'],
])('%s is found by %s: %s, type %s', async (slug, defence, code, type) => {
  expect(await run(slug, [defence])).toMatchObject({ outcome: 'bugcheck', stop: [code, type] })
})

test('ssdt-hook does not get as far as its hook under memory integrity', async () => {
  const { worked, stop } = await run('ssdt-hook', ['hvci'])
  expect({ worked, code: stop?.[0] }).toEqual({ worked: false, code: '0x000000BE' })
})

test.each(['token-theft', 'byovd-read-write', 'byovd-terminate', 'byovd-physical-memory'])(
  '%s changes data only, and works on',
  async (slug) => {
    expect(await run(slug, ['patchguard', 'hvci'])).toEqual({
      worked: true,
      outcome: 'ok',
      stop: null,
    })
  },
)
