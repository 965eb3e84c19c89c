import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runCommand } from '../../commands/registry'
import { useProject } from '../../stores/project'
import { useRuns } from '../../stores/runs'
import { mountApp, settle, type MountedApp } from '../../testing/mount-app'
import { sameDevice } from './same-device'

/** The editor with two columns is Monaco's; here is what it is given. */
vi.mock('../editor/SourceDiff.vue', () => ({
  default: {
    props: ['original', 'modified', 'originalLabel', 'modifiedLabel', 'file'],
    template: '<pre class="sides">{{ originalLabel }} | {{ modifiedLabel }}</pre>',
  },
}))

const folders = Object.keys(
  import.meta.glob('../../../../../samples/drivers/*/sample.json', { query: '?raw' }),
).map((path) => path.split('/').at(-2)!)

let mounted: MountedApp
beforeEach(async () => {
  mounted = await mountApp()
  await vi.waitFor(() => expect(useRuns().shown).not.toBeNull())
})
afterEach(() => mounted.app.unmount())

const select = (label: string): HTMLSelectElement =>
  [...document.querySelectorAll<HTMLLabelElement>('.choose label')]
    .find((each) => each.textContent.includes(label))!
    .querySelector('select')!
const choose = async (label: string, value: string): Promise<void> => {
  const field = select(label)
  field.value = value
  field.dispatchEvent(new Event('change'))
  await settle()
}
const sides = (): string => document.querySelector('.sides')?.textContent ?? ''

test('a file of the project is beside one of a sample', async () => {
  const own = useProject().sampleId
  await runCommand('sample.compare')
  await vi.waitFor(() => expect(sides()).toMatch(/^driver\.ts of this project \| driver\.ts of \w/))
  const offered = [...select('Sample').options].map(({ value }) => value)
  expect(offered).not.toContain(String(own))
  await choose('Sample', offered[1]!)
  const file = [...select('File').options].at(-1)!.value
  await choose('File', file)
  expect(sides()).toContain(`| ${file} of `)
  await choose('This project', 'client.ts')
  expect(sides()).toMatch(/^client\.ts of this project \| /)
})

test('samples of the same device are folders that are there', () => {
  expect(sameDevice('kmdf-echo')).toEqual(['ioctl-echo', 'umdf-echo'])
  expect(sameDevice('hello')).toEqual([])
  for (const slug of ['ioctl-echo', 'cancel-safe-queue', 'pnp-function', 'kmdf-crash'])
    for (const other of sameDevice(slug)) expect(folders).toContain(other)
})
