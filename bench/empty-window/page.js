import * as monaco from 'monaco-editor/editor/editor.api'
import 'monaco-editor/features/codeEditor/register'
import 'monaco-editor/languages/definitions/typescript/register'
import 'monaco-editor/languages/features/typescript/register'
import EditorWorker from 'monaco-editor/editor/editor.worker?worker'
import TypeScriptWorker from 'monaco-editor/languages/features/typescript/ts.worker?worker'
import text from '../../samples/drivers/hello/driver.ts?raw'

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => (label === 'typescript' ? new TypeScriptWorker() : new EditorWorker()),
}
monaco.editor.create(globalThis.document.getElementById('editor'), {
  value: text,
  language: 'typescript',
})
globalThis.yardstick.editor(Date.now())
