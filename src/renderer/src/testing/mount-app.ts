/** The whole window over a fake lab, for component tests. The text editor is replaced by a text area. */
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { defineComponent, h } from 'vue'
import App from '../App.vue'
import { setRing } from '../services/ring'
import { useProject } from '../stores/project'
import { useUi } from '../stores/ui'
import { createFakeLab, type FakeLab, type FakeOptions } from './fake-lab'

/** Stands for the editor, which needs a real browser. */
export const EditorStub = defineComponent({
  name: 'MonacoEditor',
  setup(_, { expose }) {
    const project = useProject()
    useUi().editorReady = true
    expose({ focus: () => undefined })
    return () =>
      h('div', { 'data-editor': '' }, [
        h('textarea', {
          'aria-label': 'Source text',
          value: project.files[project.activeFile],
          onInput: (event: Event) =>
            project.setText(project.activeFile, (event.target as HTMLTextAreaElement).value),
        }),
      ])
  },
})

export interface MountedApp {
  app: VueWrapper
  lab: FakeLab
  text: () => string
  press: (key: string, options?: KeyboardEventInit, target?: Element | null) => Promise<void>
}

/** Mount the window and wait until its first run is shown. */
export async function mountApp(options: FakeOptions = {}): Promise<MountedApp> {
  const lab = createFakeLab(options)
  setRing(lab)
  const pinia = createPinia()
  setActivePinia(pinia)
  document.body.innerHTML = '<div id="app"></div>'
  const app = mount(App, {
    attachTo: '#app',
    global: { plugins: [pinia], stubs: { MonacoEditor: EditorStub } },
  })
  await settle()
  return {
    app,
    lab,
    text: () => document.body.textContent ?? '',
    async press(key, init = {}, target = document.activeElement) {
      const code = /^[a-z]$/i.test(key)
        ? `Key${key.toUpperCase()}`
        : /^\d$/.test(key)
          ? `Digit${key}`
          : key
      ;(target ?? document.body).dispatchEvent(
        new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true, ...init }),
      )
      await settle()
    },
  }
}

/** Let calls to the fake come back and the page be drawn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await flushPromises()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}
