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
  const { worked, report } = await runTechnique(technique, [], { defences })
  const { bugcheck } = report
  const stop = bugcheck ? [bugcheck.code, bugcheck.parameters[3]] : null
  return { worked, outcome: report.outcome, stop }
}

test.each<[string, DefenceName, string, string]>([
  ['ssdt-hook', 'patchguard', '0x00000109', '0x000000000000000A'],
  ['inline-hook', 'patchguard', '0x00000109', '0x0000000000000001'],
  ['msr-hook', 'patchguard', '0x00000109', '0x0000000000000007'],
  ['dkom-hide-process', 'patchguard', '0x00000109', '0x0000000000000004'],
  ['module-hide', 'patchguard', '0x00000109', '0x0000000000000019'],
])('%s is found by %s: %s, type %s', async (slug, defence, code, type) => {
  expect(await run(slug, [defence])).toMatchObject({ outcome: 'bugcheck', stop: [code, type] })
})

test.each([
  ['ssdt-hook', '0x000000BE'],
  ['inline-hook', '0x000000BE'],
  ['image-notify-patch', '0x000000BE'],
  ['msr-hook', '0x0000007E'],
  ['byovd-msr', '0x0000003B'],
])('%s stops at its first write under memory integrity: %s', async (slug, code) => {
  const { worked, stop } = await run(slug, ['hvci'])
  expect({ worked, code: stop?.[0] }).toEqual({ worked: false, code })
})

const BOTH: readonly DefenceName[] = ['patchguard', 'hvci']

test.each<[string, readonly DefenceName[]]>([
  ['token-theft', BOTH],
  ['irp-hook', BOTH],
  ['byovd-read-write', BOTH],
  ['byovd-terminate', BOTH],
  ['byovd-physical-memory', BOTH],
  ['apc-injection', BOTH],
  ['ioctl-protocol', BOTH],
  ['shutdown-persist', BOTH],
  ['image-notify-patch', ['patchguard']],
  ['dkom-hide-process', ['hvci']],
  ['module-hide', ['hvci']],
])('%s changes nothing that is looked at, and works with %j', async (slug, defences) => {
  expect(await run(slug, defences)).toEqual({ worked: true, outcome: 'ok', stop: null })
})
