/**
 * Device timers (IoInitializeTimer): a routine for each device, called once a second at
 * DISPATCH_LEVEL. One tick of the I/O manager serves them all, so the first call comes within a
 * second of the start.
 */
import { IO_TYPE_TIMER } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Due } from '../ke/timer'

/** IO_TIMER, which no header of the WDK shows. */
const IO_TIMER = {
  SIZE: 0x30,
  Type: 0,
  TimerFlag: 2,
  TimerList: 8,
  TimerRoutine: 0x18,
  Context: 0x20,
  DeviceObject: 0x28,
} as const

const TICKS_PER_SECOND = 10_000_000

export class IoTimers {
  /** IO_TIMERs in the order of their making. */
  private readonly timers: Ptr[] = []
  private due: Due | null = null

  constructor(private readonly k: Kernel) {}

  /** IoInitializeTimer: a second call changes routine and context. */
  initialize(device: Ptr, routine: Ptr, context: Ptr): number {
    const { memory, pool } = this.k
    let timer = memory.ptr(device + DEVICE_OBJECT.Timer)
    if (!timer) {
      timer = pool.allocate(IO_TIMER.SIZE, 'IoTi', { system: true })
      if (!timer) return STATUS_INSUFFICIENT_RESOURCES
      memory.fill(timer, IO_TIMER.SIZE, 0)
      memory.setU16(timer + IO_TIMER.Type, IO_TYPE_TIMER)
      memory.setPtr(timer + IO_TIMER.DeviceObject, device)
      memory.setPtr(device + DEVICE_OBJECT.Timer, timer)
      this.timers.push(timer)
    }
    memory.setPtr(timer + IO_TIMER.TimerRoutine, routine)
    memory.setPtr(timer + IO_TIMER.Context, context)
    return STATUS_SUCCESS
  }

  /** IoStartTimer. */
  start(device: Ptr): void {
    const timer = this.k.memory.ptr(device + DEVICE_OBJECT.Timer)
    this.k.memory.setU16(timer + IO_TIMER.TimerFlag, 1)
    this.schedule()
  }

  /** IoStopTimer. */
  stop(device: Ptr): void {
    const timer = this.k.memory.ptr(device + DEVICE_OBJECT.Timer)
    this.k.memory.setU16(timer + IO_TIMER.TimerFlag, 0)
  }

  /** The device is deleted: its timer goes with it. */
  remove(device: Ptr): void {
    const timer = this.k.memory.ptr(device + DEVICE_OBJECT.Timer)
    const index = this.timers.indexOf(timer)
    if (index < 0) return
    this.timers.splice(index, 1)
    this.k.memory.setPtr(device + DEVICE_OBJECT.Timer, 0)
    this.k.pool.free(timer)
  }

  /** Whether a device has a timer that is started. */
  isStarted(device: Ptr): boolean {
    const timer = this.k.memory.ptr(device + DEVICE_OBJECT.Timer)
    return timer !== 0 && this.k.memory.u16(timer + IO_TIMER.TimerFlag) !== 0
  }

  /** Wake at the next whole second while any timer is started. */
  private schedule(): void {
    const { k } = this
    if (this.due || !this.timers.some((timer) => this.started(timer))) return
    const tick = (Math.floor(k.tick / TICKS_PER_SECOND) + 1) * TICKS_PER_SECOND
    this.due = k.timers.at(tick, () => {
      this.due = null
      k.dpcs.insertNative(() => this.callAll())
      this.schedule()
    })
  }

  private started(timer: Ptr): boolean {
    return this.k.memory.u16(timer + IO_TIMER.TimerFlag) !== 0
  }

  private *callAll(): KernelRoutine<void> {
    const { memory } = this.k
    for (const timer of [...this.timers]) {
      // A routine may stop or delete the timers of other devices.
      if (!this.timers.includes(timer) || !this.started(timer)) continue
      yield* this.k.call(memory.ptr(timer + IO_TIMER.TimerRoutine), 'IO_TIMER_ROUTINE', [
        memory.ptr(timer + IO_TIMER.DeviceObject),
        memory.ptr(timer + IO_TIMER.Context),
      ])
    }
  }
}
