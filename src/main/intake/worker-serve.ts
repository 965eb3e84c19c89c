/** The worker's side: one file after the other, each answered whatever happens to it. */
import type { MessagePort } from 'node:worker_threads'
import type { FileFacts } from '../../shared/driver-file/facts'
import { messageOf } from './reasons'
import type { CatalogueSet, FromWorker, ToWorker } from './worker-messages'

export type Analyser = (
  bytes: Uint8Array,
  context: { msMax: number; catalogues: CatalogueSet['parts'] },
) => FileFacts

/** Answer the pool until the thread is ended. */
export function serveAnalysis(port: MessagePort, analyse: Analyser): void {
  let catalogues: CatalogueSet = { key: '', parts: [] }
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer)
  port.on('message', ({ id, bytes, msMax, catalogues: given }: ToWorker) => {
    if (given?.parts) catalogues = { key: given.key, parts: given.parts }
    try {
      const context = { msMax, catalogues: given ? catalogues.parts : [] }
      const facts = JSON.stringify(analyse(bytes, context))
      post({ kind: 'facts', id, facts, bytes }, [bytes.buffer])
    } catch (error) {
      post({ kind: 'failed', id, reason: messageOf(error) })
    }
  })
  post({ kind: 'ready' })
}
