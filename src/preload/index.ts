/**
 * The window's only way out: the calls and streams of the contract, by name, and nothing else.
 *
 * The names come from main with the window (`additionalArguments`), derived from the contract's
 * table; importing the table here would load its schemas before every start. Main parses each input
 * and checks the sender, so nothing depends on what is done with these functions.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron'
import type { IpcRendererEvent } from 'electron'
import { CALL_CHANNEL, DROPPED, NAMES_ARGUMENT, STREAM_CHANNEL } from '../shared/contract/channels'

interface Names {
  calls: string[]
  streams: string[]
}

const argument = process.argv.find((text) => text.startsWith(NAMES_ARGUMENT))
const names: Names = argument
  ? (JSON.parse(argument.slice(NAMES_ARGUMENT.length)) as Names)
  : { calls: [], streams: [] }

const listeners = new Map<string, Set<(value: unknown) => void>>(
  names.streams.map((name) => [name, new Set()]),
)

ipcRenderer.on(STREAM_CHANNEL, (_event: IpcRendererEvent, name: string, value: unknown) => {
  for (const listener of listeners.get(name) ?? []) listener(value)
})

contextBridge.exposeInMainWorld('lab', {
  ...Object.fromEntries(
    names.calls.map((name) => [
      name,
      (input: unknown): Promise<unknown> => ipcRenderer.invoke(CALL_CHANNEL, name, input),
    ]),
  ),
  /** The only way for a path into main: of a file that the system gave to the window. */
  drop(files: readonly File[], options: object): Promise<unknown> {
    const paths = files.map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '')
    return ipcRenderer.invoke(CALL_CHANNEL, DROPPED, { ...options, paths })
  },
  on(name: string, listener: (value: unknown) => void): () => void {
    const set = listeners.get(name)
    if (!set) throw new Error(`There is no stream ${name}`)
    // One registration, one removal, also when the same function is given twice.
    const own = (value: unknown): void => listener(value)
    set.add(own)
    return () => void set.delete(own)
  },
})
