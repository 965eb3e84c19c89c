/** The contract over Electron's IPC: who may call, and streams to the window. */
import { BrowserWindow, ipcMain, type WebContents, type WebFrameMain } from 'electron'
import type { z } from 'zod'
import { CALLS, STREAMS, type RingContract, type RingHandlers } from '../../shared/contract'
import { CALL_CHANNEL, NAMES_ARGUMENT, STREAM_CHANNEL } from '../../shared/contract/channels'
import type { Stream } from '../../shared/contract/table'
import { fail } from '../../shared/errors'
import { answerCall } from './calls'
import { isOwnUrl } from './addresses'

/** Given to the window so that the preload needs no schema to know the names. */
export const contractArgument = (): string =>
  NAMES_ARGUMENT + JSON.stringify({ calls: CALLS, streams: STREAMS })

interface Sender {
  sender: WebContents
  senderFrame: WebFrameMain | null
}

/** Answer the calls of one window's own top frame, and of nothing else. */
export function answerWindow(
  window: BrowserWindow,
  handlers: RingHandlers,
  developmentServer: string | undefined,
): void {
  const isOurs = ({ sender, senderFrame }: Sender): boolean =>
    !window.isDestroyed() &&
    sender === window.webContents &&
    senderFrame !== null &&
    senderFrame === window.webContents.mainFrame &&
    isOwnUrl(senderFrame.url, developmentServer)
  ipcMain.removeHandler(CALL_CHANNEL)
  ipcMain.handle(CALL_CHANNEL, (event, name: unknown, input: unknown) =>
    isOurs(event)
      ? answerCall(handlers, name, input)
      : fail('bad-request', 'The caller is not this app’s window.', 'Nothing was done.'),
  )
}

type StreamName = {
  [K in keyof RingContract]: RingContract[K] extends Stream<z.ZodType> ? K : never
}[keyof RingContract]
type StreamValue<K extends StreamName> =
  RingContract[K] extends Stream<infer O> ? z.input<O> : never

/** Tell every window of this app. */
export function emit<K extends StreamName>(name: K, value: StreamValue<K>): void {
  for (const window of BrowserWindow.getAllWindows())
    if (!window.isDestroyed()) window.webContents.send(STREAM_CHANNEL, name, value)
}
