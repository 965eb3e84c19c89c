import { afterEach, describe, expect, test, vi } from 'vitest'
import { useProject } from '../../stores/project'
import { useUi } from '../../stores/ui'
import { mountApp, settle, type MountedApp } from '../../testing/mount-app'
import { useShelfChoice } from './shelf-choice'

let mounted: MountedApp

afterEach(() => mounted.app.unmount())

async function drop(...names: string[]): Promise<void> {
  const event = new Event('drop', { bubbles: true, cancelable: true })
  Object.assign(event, { dataTransfer: { files: names.map((name) => new File(['text'], name)) } })
  document.querySelector('.shell')!.dispatchEvent(event)
  await settle()
}

describe('what is dropped', () => {
  test('on the Lab: a driver is explained, and one button adds it to the Catalogue', async () => {
    mounted = await mountApp()
    await drop('ferry.sys')
    const notice = useUi().notices.at(-1)
    expect(notice?.text).toBe(
      'The Lab runs toy drivers written in its TypeScript dialect. This file can be added to the Catalogue.',
    )
    expect(mounted.lab.shelf.dropped).toEqual([])
    notice?.action?.run()
    await settle()
    expect(mounted.lab.shelf.dropped).toEqual([
      { names: ['ferry.sys'], options: { keepBytes: false, tags: [], passwords: [] } },
    ])
    expect(useUi().area).toBe('catalogue')
  })

  test('on the Lab: text becomes a file of the project, beside a driver too', async () => {
    mounted = await mountApp()
    await drop('extra.ts', 'a.sys', 'b.zip')
    expect(useProject().files['extra.ts']).toBe('text')
    expect(useUi().notices.at(-1)?.text).toContain('These 2 files can be added')
  })

  test('on the Catalogue: everything goes in, whichever shelf was shown', async () => {
    mounted = await mountApp()
    useShelfChoice().choose('toys')
    useUi().area = 'catalogue'
    await settle()
    await drop('folder', 'set.zip', 'notes.md')
    expect(mounted.lab.shelf.dropped.map(({ names }) => names)).toEqual([
      ['folder', 'set.zip', 'notes.md'],
    ])
    expect(useShelfChoice().shelf).toBe('files')
  })

  test('on the Catalogue: while files are dragged, words say what will happen', async () => {
    mounted = await mountApp()
    useUi().area = 'catalogue'
    await vi.waitFor(() => expect(document.querySelector('main.catalogue')).not.toBeNull())
    const drag = async (type: string, types: string[]): Promise<void> => {
      const event = new Event(type, { bubbles: true })
      Object.assign(event, { dataTransfer: { types }, relatedTarget: null })
      document.querySelector('.shell')!.dispatchEvent(event)
      await settle()
    }
    const overlay = (): boolean => mounted.text().includes('Drop to add to the shelf')
    await drag('dragenter', ['text/plain'])
    expect(overlay()).toBe(false)
    await drag('dragenter', ['Files'])
    expect(overlay()).toBe(true)
    await drag('dragleave', ['Files'])
    expect(overlay()).toBe(false)
  })
})
