/**
 * Where typed text goes: the device `\Device\ConDrv`, whose reader gets a line when Enter is pressed. Every
 * process has input of its own; keys go to the program in front, which is the one that last began to read.
 * What is typed while nobody reads waits for the first who does.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { createInputDevice } from './keyboard'
import { ReadQueue } from './read-queue'

export const CONSOLE_DEVICE = '\\Device\\ConDrv'
const FILE_DEVICE_CONSOLE = 0x50
const [BACKSPACE, LINE_FEED, RETURN, CTRL_Z] = [8, 10, 13, 0x1a]
/** UTF-16, as ReadConsole has it. */
const CHARACTER_BYTES = 2

/** Bytes up to the end of the first line; 0 while it is not complete. */
function lineOf(bytes: readonly number[]): number {
  for (let i = 0; i < bytes.length; i += CHARACTER_BYTES)
    if (bytes[i] === LINE_FEED || bytes[i] === CTRL_Z) return i + CHARACTER_BYTES
  return 0
}

/** What one process reads. */
interface Input {
  queue: ReadQueue
  /** The line that is being typed, for Backspace. */
  line: string
}

export class Console {
  private readonly inputs = new Map<Process, Input>()
  private front: Process | null = null
  /** Typed before anybody read. */
  private early = ''

  constructor(private readonly k: Kernel) {
    const read = (irp: Ptr): KernelRoutine<number> => this.read(irp)
    createInputDevice(k, 'ConDrv', CONSOLE_DEVICE, FILE_DEVICE_CONSOLE, undefined, read)
  }

  private *read(irp: Ptr): KernelRoutine<number> {
    const { k } = this
    const { process } = k.thread
    let input = this.inputs.get(process)
    if (!input) {
      const queue = new ReadQueue(k, {
        cancelName: 'CdpCancelRead',
        image: undefined,
        unit: CHARACTER_BYTES,
        ready: lineOf,
      })
      input = { queue, line: '' }
      this.inputs.set(process, input)
    }
    this.front = process
    const status = yield* input.queue.read(irp)
    const { early } = this
    this.early = ''
    for (const char of early) yield* this.receive(char)
    return status
  }

  /** A character for the program in front. */
  *receive(char: string): KernelRoutine<void> {
    const { front } = this
    if (front && front.exitCode !== null) {
      this.inputs.delete(front)
      this.front = null
    }
    const input = this.front && this.inputs.get(this.front)
    if (!this.front || !input) {
      this.early += char
      return
    }
    const code = char.charCodeAt(0)
    if (code === BACKSPACE) {
      input.line = input.line.slice(0, -1)
      return
    }
    input.line += code === LINE_FEED ? String.fromCharCode(RETURN, LINE_FEED) : char
    if (code !== LINE_FEED && code !== CTRL_Z) return
    const { line } = input
    input.line = ''
    if (this.k.tracing)
      this.k.emit({ t: 'input.delivered', to: this.front.id, name: this.front.name, text: line })
    yield* input.queue.supply([...line].flatMap((each) => [each.charCodeAt(0), 0]))
  }
}
