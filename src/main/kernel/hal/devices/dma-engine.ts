/**
 * A PCI device with registers in memory: it moves bytes between itself and physical memory, counts
 * microseconds, and raises its interrupt line until its status is acknowledged.
 *
 * Bytes that arrive from outside wait in the device until a transfer to memory takes them; a transfer
 * from memory sends them out.
 */
import type { Board, HardwareDevice } from './device'

/** Offsets of the registers, 32 bits each. */
export const DMA = {
  ID: 0x00,
  CONTROL: 0x04,
  STATUS: 0x08,
  ADDRESS_LOW: 0x0c,
  ADDRESS_HIGH: 0x10,
  LENGTH: 0x14,
  COUNT: 0x18,
  TIMER: 0x1c,
  CLOCK: 0x20,
  AVAILABLE: 0x24,
} as const

const IDENTITY = 0x5230_4c41
const CONTROL_START = 1
/** Direction: set from memory to the device, clear from the device to memory. */
const CONTROL_FROM_MEMORY = 2
const CONTROL_INTERRUPT = 4
const CONTROL_TIMER = 8
const CONTROL_RESET = 0x8000_0000
const STATUS_BUSY = 1
const STATUS_DONE = 2
const STATUS_ERROR = 4
const STATUS_TIMER = 8
const STATUS_REASONS = STATUS_DONE | STATUS_ERROR | STATUS_TIMER

const BUFFER_BYTES = 64 * 1024
const TICKS_PER_TRANSFER = 200
const BYTES_PER_TICK = 64
const TICKS_PER_MICROSECOND = 10

const NAMES = new Map<number, string>(Object.entries(DMA).map(([name, at]) => [at, name]))

export class DmaEngine implements HardwareDevice {
  readonly name = 'dma0'
  readonly description = 'DMA engine with timer (PCI)'
  readonly hardwareId = 'PCI\\VEN_5230&DEV_4C41'
  readonly line = 17
  readonly mode = 'level'
  readonly ports = null
  readonly memory = { base: 0xfebf_0000, bytes: 0x1000 }
  readonly pci = { bus: 0, slot: 3, vendor: 0x5230, device: 0x4c41, classCode: 0x08_80_00 }
  private control = 0
  private status = 0
  private addressLow = 0
  private addressHigh = 0
  private length = 0
  private count = 0
  private timerPeriod = 0
  /** Counts starts of the timer, so that one that was stopped says nothing any more. */
  private timerRun = 0
  private available: number[] = []
  /** Bus mastering is on in the device's PCI command register. */
  isMaster = true

  constructor(private readonly board: Board) {}

  registerName(offset: number): string {
    return NAMES.get(offset & ~3) ?? 'none'
  }

  read(offset: number, size: number): number {
    const value = this.register(offset & ~3) >>> 0
    return size >= 4 ? value : (value >>> ((offset & 3) * 8)) & (size === 1 ? 0xff : 0xffff)
  }

  private register(offset: number): number {
    switch (offset) {
      case DMA.ID:
        return IDENTITY
      case DMA.CONTROL:
        return this.control
      case DMA.STATUS:
        return this.status
      case DMA.ADDRESS_LOW:
        return this.addressLow
      case DMA.ADDRESS_HIGH:
        return this.addressHigh
      case DMA.LENGTH:
        return this.length
      case DMA.COUNT:
        return this.count
      case DMA.TIMER:
        return this.timerPeriod
      case DMA.CLOCK:
        return Math.floor(this.board.now / TICKS_PER_MICROSECOND) >>> 0
      case DMA.AVAILABLE:
        return this.available.length
      default:
        return 0xffff_ffff
    }
  }

  write(offset: number, size: number, value: number): void {
    // Like many devices it takes whole registers only.
    if (size !== 4 || offset & 3) return
    const word = value >>> 0
    switch (offset) {
      case DMA.CONTROL:
        this.writeControl(word)
        break
      case DMA.STATUS:
        // Ones clear what they name.
        this.status &= ~(word & STATUS_REASONS)
        break
      case DMA.ADDRESS_LOW:
        this.addressLow = word
        break
      case DMA.ADDRESS_HIGH:
        this.addressHigh = word
        break
      case DMA.LENGTH:
        this.length = word
        break
      case DMA.TIMER:
        this.timerPeriod = word
        break
    }
    this.updateLine()
  }

  receive(data: Uint8Array): void {
    for (const byte of data) if (this.available.length < BUFFER_BYTES) this.available.push(byte)
    if (this.isWaiting) this.begin()
  }

  /** A transfer to memory was started before there was anything to move. */
  private get isWaiting(): boolean {
    return (this.status & STATUS_BUSY) !== 0 && !this.isMoving && this.available.length > 0
  }

  private isMoving = false

  private writeControl(word: number): void {
    if (word & CONTROL_RESET) {
      this.control = this.status = this.length = this.count = 0
      this.addressLow = this.addressHigh = 0
      this.timerRun++
      return
    }
    const started = word & ~this.control & CONTROL_TIMER
    this.control = word & ~CONTROL_START
    if (started) this.startTimer()
    if (!(word & CONTROL_TIMER)) this.timerRun++
    if (word & CONTROL_START && !(this.status & STATUS_BUSY)) {
      this.status = (this.status & ~STATUS_REASONS) | STATUS_BUSY
      if (word & CONTROL_FROM_MEMORY || this.available.length > 0) this.begin()
    }
  }

  private startTimer(): void {
    const run = ++this.timerRun
    const period = Math.max(1, this.timerPeriod) * TICKS_PER_MICROSECOND
    const tell = (): void => {
      if (run !== this.timerRun) return
      this.status |= STATUS_TIMER
      this.updateLine()
      this.board.after(period, tell)
    }
    this.board.after(period, tell)
  }

  private begin(): void {
    this.isMoving = true
    const ticks =
      TICKS_PER_TRANSFER + Math.ceil(Math.min(this.length, BUFFER_BYTES) / BYTES_PER_TICK)
    this.board.after(ticks, () => this.finish())
  }

  private finish(): void {
    this.isMoving = false
    // A reset came in between.
    if (!(this.status & STATUS_BUSY)) return
    const done = this.control & CONTROL_FROM_MEMORY ? this.fromMemory() : this.toMemory()
    this.count = Math.max(done, 0)
    this.status = (this.status & ~STATUS_BUSY) | (done < 0 ? STATUS_ERROR : STATUS_DONE)
    this.updateLine()
  }

  private get address(): number {
    return this.addressHigh * 0x1_0000_0000 + this.addressLow
  }

  private toMemory(): number {
    const bytes = Math.min(this.length, this.available.length)
    if (!this.isMaster) return -1
    if (!this.board.writeMemory(this.address, Uint8Array.from(this.available.slice(0, bytes))))
      return -1
    this.available.splice(0, bytes)
    return bytes
  }

  private fromMemory(): number {
    if (!this.isMaster || this.length > BUFFER_BYTES) return -1
    const data = this.board.readMemory(this.address, this.length)
    if (!data) return -1
    this.board.sent(this, data)
    return data.length
  }

  private updateLine(): void {
    const hasReason = (this.status & STATUS_REASONS) !== 0
    this.board.setLine(this.line, hasReason && (this.control & CONTROL_INTERRUPT) !== 0)
  }
}
