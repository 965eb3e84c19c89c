/** The steps of a scenario, done by a process through the same calls that a client program would make. */
import type { ScenarioStep } from '../../../shared/contract/model'
import {
  FILE_FLAG_OVERLAPPED,
  FILE_SHARE_READ,
  FILE_SHARE_WRITE,
  GENERIC_READ,
  GENERIC_WRITE,
  OPEN_EXISTING,
  SE_LOAD_DRIVER_PRIVILEGE,
} from '../../../shared/nt/generated/constants'
import { CONSTANTS } from '../../../shared/nt/constants'
import { OVERLAPPED } from '../../../shared/nt/generated/offsets'
import { STATUS_PENDING } from '../../../shared/nt/generated/ntstatus'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import { scratchString } from '../ddi/win32-base'
import {
  cancelIo,
  closeHandle,
  createFile,
  deviceIoControl,
  INVALID_HANDLE,
  transferFile,
} from '../ddi/win32-file'
import { sleep } from '../ddi/win32-sync'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { unhandled } from '../ke/fault'
import { RunLimit } from '../stop'
import { deviceStep } from './device-steps'
import { NtUnloadDriver } from './nt-process'

type Step<D extends ScenarioStep['do']> = Extract<ScenarioStep, { do: D }>
type Bytes = NonNullable<Step<'ioctl'>['input']>

const SERVICE_KEYS = '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\'

interface OpenHandle {
  handle: number
  overlapped: boolean
}

/**
 * A control code as scenarios write it: a number, `0x80002000`, `2147491840`, or
 * `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)`.
 * @returns undefined for text that is none of these
 */
export function parseControlCode(code: number | string): number | undefined {
  if (typeof code === 'number') return code >>> 0
  const call = /^\s*CTL_CODE\s*\(([^()]*)\)\s*$/.exec(code)
  if (!call) return parseNumber(code)
  const parts = call[1]!.split(',').map(parseNumber)
  const [type, func, method, access] = parts
  if (parts.length !== 4 || type === undefined || func === undefined) return undefined
  if (method === undefined || access === undefined) return undefined
  return CTL_CODE(type, func, method, access)
}

/** Decimal, hexadecimal, or a constant's name; several may be joined by `|`. */
function parseNumber(text: string): number | undefined {
  let value = 0
  for (const part of text.split('|')) {
    const word = part.trim()
    const known = Object.hasOwn(CONSTANTS, word)
      ? CONSTANTS[word as keyof typeof CONSTANTS]
      : undefined
    const number =
      typeof known === 'number'
        ? known
        : /^(?:0[xX][\da-fA-F]+|\d+)$/.test(word)
          ? Number(word)
          : NaN
    if (Number.isNaN(number)) return undefined
    value = (value | number) >>> 0
  }
  return value
}

/** The bytes that a scenario writes as text, in hexadecimal or by their number. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if ('zeros' in bytes) return new Uint8Array(bytes.zeros)
  if ('hex' in bytes)
    return Uint8Array.from({ length: bytes.hex.length / 2 }, (_, i) =>
      Number.parseInt(bytes.hex.slice(i * 2, i * 2 + 2), 16),
    )
  // ANSI: what has no place in a byte becomes a question mark.
  return Uint8Array.from(bytes.text, (char) => {
    const unit = char.charCodeAt(0)
    return unit > 0xff ? 0x3f : unit
  })
}

/** Do every step on the current thread, which is a program's. */
export function* runSteps(k: Kernel, steps: readonly ScenarioStep[]): KernelRoutine<void> {
  const runner = new StepRunner(k)
  for (const step of steps) {
    const outerCause = k.thread.cause
    yield* runner.run(step)
    k.thread.cause = outerCause
  }
}

/**
 * What the machine does while the program looks on. It is no code of the program, whose thread only
 * lends its time: an exception that nothing handles stops the machine instead of ending the program.
 * @bugcheck 0x1E, 0x7E  an exception that nothing handled
 */
function* kernelWork(k: Kernel, work: KernelRoutine<void>): KernelRoutine<void> {
  try {
    yield* work
  } catch (error) {
    // No system call brought the thread here.
    k.thread.previousMode = 0
    unhandled(k, k.toException(error))
  }
}

class StepRunner {
  private readonly handles = new Map<string, OpenHandle>()

  constructor(private readonly k: Kernel) {}

  run(step: ScenarioStep): KernelRoutine<void> {
    switch (step.do) {
      case 'open':
        return this.open(step)
      case 'ioctl':
        return this.ioctl(step)
      case 'read':
      case 'write':
        return this.transfer(step)
      case 'cancel':
        return this.cancel(step)
      case 'close':
        return this.close(step)
      case 'wait':
        return sleep(this.k, step.milliseconds)
      case 'unload':
        return this.unload(step)
      case 'type':
        return kernelWork(this.k, this.type(step.text))
      case 'openInterface':
        return this.openInterface(step)
      case 'input':
      case 'interrupt':
      case 'pageOut':
        return kernelWork(this.k, this.hardware(step))
      default:
        return kernelWork(this.k, deviceStep(this.k, step))
    }
  }

  private type(text: string): KernelRoutine<void> {
    const { world } = this.k
    if (!world?.keyboard)
      throw new RunLimit(
        'limit',
        'scenario',
        'a step types, but only "world": "windows" has a keyboard',
      )
    return world.keyboard.type(text)
  }

  /** What happens to the machine from outside, while the program looks on. */
  private *hardware(
    step: Step<'input'> | Step<'interrupt'> | Step<'pageOut'>,
  ): KernelRoutine<void> {
    const { hal, mm } = this.k
    if (step.do === 'pageOut') mm.pager.trim(step.pages ?? null, 'the scenario asked for it')
    else if (step.do === 'input') {
      hal.receive(step.device, bytesOf(step.data))
      yield { op: 'yield' }
    } else
      for (let i = 0; i < step.repeat; i++) {
        hal.pulse(step.device)
        yield { op: 'yield' }
      }
  }

  /** A handle by its name in the scenario; one that was never opened is INVALID_HANDLE_VALUE. */
  private handle(name: string): OpenHandle {
    return this.handles.get(name) ?? { handle: INVALID_HANDLE, overlapped: false }
  }

  /** Open a device by what it can do. Without such a device the name leads nowhere. */
  private openInterface(step: Step<'openInterface'>): KernelRoutine<void> {
    const path =
      this.k.pnp.interfaces.list(step.interface)[step.index] ?? `\\\\?\\#${step.interface}`
    return this.open({ ...step, do: 'open', path })
  }

  private *open(step: Step<'open'>): KernelRoutine<void> {
    let access = 0
    if (step.access.includes('read')) access |= GENERIC_READ
    if (step.access.includes('write')) access |= GENERIC_WRITE
    const handle = yield* createFile(this.k, {
      name: step.path,
      access: access >>> 0,
      share: FILE_SHARE_READ | FILE_SHARE_WRITE,
      security: 0,
      disposition: OPEN_EXISTING,
      flags: step.overlapped ? FILE_FLAG_OVERLAPPED : 0,
    })
    this.handles.set(step.as, { handle, overlapped: step.overlapped })
  }

  private *ioctl(step: Step<'ioctl'>): KernelRoutine<void> {
    const { k } = this
    const code = parseControlCode(step.code)
    if (code === undefined)
      throw new RunLimit('limit', 'scenario', `"${step.code}" is no control code`)
    const input = step.input ? bytesOf(step.input) : null
    const inputAt = this.allocate(input?.length ?? 0)
    if (input && inputAt) k.memory.write(inputAt, input)
    const outputAt = this.allocate(step.outputLength)
    const { handle, overlapped } = this.handle(step.handle)
    const requests = new Overlapped(k, overlapped)
    for (let i = 0; i < step.repeat; i++)
      yield* deviceIoControl(
        k,
        handle,
        code,
        inputAt,
        input?.length ?? 0,
        outputAt,
        step.outputLength,
        requests.next(),
      )
    // Packets that are still under way will write to these buffers.
    if (!overlapped) this.release(inputAt, outputAt)
  }

  private *transfer(step: Step<'read'> | Step<'write'>): KernelRoutine<void> {
    const { k } = this
    const data = step.do === 'write' ? bytesOf(step.data) : null
    const length = step.do === 'write' ? data!.length : step.length
    const buffer = this.allocate(length)
    if (data && buffer) k.memory.write(buffer, data)
    const { handle, overlapped } = this.handle(step.handle)
    const requests = new Overlapped(k, overlapped)
    for (let i = 0; i < step.repeat; i++)
      yield* transferFile(k, step.do === 'write', handle, buffer, length, requests.next())
    if (!overlapped) this.release(buffer)
  }

  private *cancel(step: Step<'cancel'>): KernelRoutine<void> {
    yield* cancelIo(this.k, this.handle(step.handle).handle)
  }

  private *close(step: Step<'close'>): KernelRoutine<void> {
    const { handle } = this.handle(step.handle)
    this.handles.delete(step.handle)
    yield* closeHandle(this.k, handle)
  }

  private *unload(step: Step<'unload'>): KernelRoutine<void> {
    const { k } = this
    const name = step.driver ?? k.loader.stillLoaded()[0]?.name
    if (name === undefined) return
    k.se.tokens.enable(k.se.currentToken, SE_LOAD_DRIVER_PRIVILEGE)
    yield* k.syscalls.call(NtUnloadDriver, [scratchString(k, SERVICE_KEYS + name)])
  }

  /** A buffer of the process; NULL for no bytes. */
  private allocate(bytes: number): Ptr {
    if (bytes === 0) return 0
    const at = heapOf(this.k, this.k.thread.process).allocate(bytes, true)
    if (!at)
      throw new RunLimit('limit', 'scenario', 'the buffers of the scenario need too much memory')
    return at
  }

  private release(...buffers: Ptr[]): void {
    const heap = heapOf(this.k, this.k.thread.process)
    for (const at of buffers) if (at) heap.release(at)
  }
}

/** OVERLAPPED structures for a step: one is used again once its request is done. */
class Overlapped {
  private current: Ptr = 0

  constructor(
    private readonly k: Kernel,
    private readonly wanted: boolean,
  ) {}

  next(): Ptr {
    if (!this.wanted) return 0
    const { k } = this
    if (this.current && k.memory.u32(this.current + OVERLAPPED.Internal) !== STATUS_PENDING)
      return this.current
    this.current = heapOf(k, k.thread.process).allocate(OVERLAPPED.SIZE, true)
    if (!this.current)
      throw new RunLimit('limit', 'scenario', 'too many requests of the scenario are pending')
    return this.current
  }
}
