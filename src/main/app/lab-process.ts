/**
 * Entry of the lab's helper process: binds the port to main to the lab host. Driver code runs here,
 * inside its sandbox; what goes wrong here ends this process only.
 */
import { createRulesHost } from '../detections/host'
import { createLabHost } from '../lab/host'
import { bindLabHost } from './lab-binding'
import type { FromHost, ToHost } from './lab-messages'

const port = process.parentPort
const take = bindLabHost(
  (options) => ({ ...createLabHost(options), ...createRulesHost() }),
  (message: FromHost) => port.postMessage(message),
)
port.on('message', ({ data }: { data: ToHost }) => void take(data))
