/**
 * A serial port like the 16550: eight byte-wide registers, queues of 16 bytes each way, one
 * interrupt line that stays up while there is a reason for it.
 *
 * On x64 the registers are ports, on ARM64 they lie in memory, byte after byte.
 */
import type { Board, HardwareDevice } from './device'

/** Registers by offset. With the divisor latch open, 0 and 1 are the divisor. */
export const UART = { DATA: 0, IER: 1, IIR: 2, FCR: 2, LCR: 3, MCR: 4, LSR: 5, MSR: 6, SCR: 7 }

const IER_RECEIVED = 1
const IER_TRANSMITTER_EMPTY = 2
const IER_LINE_STATUS = 4
const IIR_NONE = 1
const IIR_TRANSMITTER_EMPTY = 2
const IIR_RECEIVED = 4
const IIR_LINE_STATUS = 6
const FCR_ENABLE = 1
const FCR_CLEAR_RECEIVER = 2
const FCR_CLEAR_TRANSMITTER = 4
const LCR_DIVISOR_LATCH = 0x80
/** Connects the interrupt output to the line, on PCs. */
const MCR_OUT2 = 8
const MCR_LOOP = 0x10
const LSR_DATA_READY = 1
const LSR_OVERRUN = 2
const LSR_HOLDING_EMPTY = 0x20
const LSR_EMPTY = 0x40

const QUEUE_BYTES = 16
/** Ten bits at 115,200 baud, in units of 100 ns. */
const TICKS_PER_BYTE = 868

const READ_NAMES = ['RBR', 'IER', 'IIR', 'LCR', 'MCR', 'LSR', 'MSR', 'SCR']
const WRITE_NAMES = ['THR', 'IER', 'FCR', 'LCR', 'MCR', 'LSR', 'MSR', 'SCR']

export class Uart implements HardwareDevice {
  readonly name = 'uart0'
  readonly description = 'Serial port (16550)'
  readonly hardwareId = 'ACPI\\PNP0501'
  readonly line = 4
  readonly mode = 'level'
  readonly pci = null
  private interruptEnable = 0
  private fifoControl = 0
  private lineControl = 0
  private modemControl = 0
  private scratch = 0
  private divisor = 1
  private overrun = false
  /** The transmitter ran empty and nobody has looked at IIR or sent since. */
  private transmitterDue = false
  private readonly received: number[] = []
  private readonly toSend: number[] = []

  constructor(
    private readonly board: Board,
    readonly ports: HardwareDevice['ports'],
    readonly memory: HardwareDevice['memory'],
  ) {}

  registerName(offset: number, access: 'read' | 'write'): string {
    if (this.isLatchOpen && offset < 2) return offset === 0 ? 'DLL' : 'DLM'
    return (access === 'read' ? READ_NAMES : WRITE_NAMES)[offset] ?? 'none'
  }

  private get isLatchOpen(): boolean {
    return (this.lineControl & LCR_DIVISOR_LATCH) !== 0
  }

  read(offset: number): number {
    switch (offset) {
      case UART.DATA:
        return this.isLatchOpen ? this.divisor & 0xff : this.takeReceived()
      case UART.IER:
        return this.isLatchOpen ? this.divisor >> 8 : this.interruptEnable
      case UART.IIR:
        return this.identify()
      case UART.LCR:
        return this.lineControl
      case UART.MCR:
        return this.modemControl
      case UART.LSR:
        return this.lineStatus()
      case UART.MSR:
        // Clear to send, data set ready, carrier: somebody is at the other end.
        return 0xb0
      case UART.SCR:
        return this.scratch
      default:
        return 0xff
    }
  }

  write(offset: number, _size: number, value: number): void {
    const byte = value & 0xff
    switch (offset) {
      case UART.DATA:
        if (this.isLatchOpen) this.divisor = (this.divisor & 0xff00) | byte
        else this.send(byte)
        break
      case UART.IER:
        if (this.isLatchOpen) this.divisor = (this.divisor & 0xff) | (byte << 8)
        else this.enable(byte & 0xf)
        break
      case UART.FCR:
        this.fifoControl = byte & FCR_ENABLE
        if (byte & FCR_CLEAR_RECEIVER) this.received.length = 0
        if (byte & FCR_CLEAR_TRANSMITTER) this.toSend.length = 0
        break
      case UART.LCR:
        this.lineControl = byte
        break
      case UART.MCR:
        this.modemControl = byte & 0x1f
        break
      case UART.SCR:
        this.scratch = byte
        break
    }
    this.updateLine()
  }

  receive(data: Uint8Array): void {
    for (const byte of data) {
      if (this.received.length < QUEUE_BYTES) this.received.push(byte)
      else this.overrun = true
    }
    this.updateLine()
  }

  private takeReceived(): number {
    const byte = this.received.shift() ?? 0
    this.updateLine()
    return byte
  }

  private enable(bits: number): void {
    const before = this.interruptEnable
    this.interruptEnable = bits
    // Asking for it while the transmitter is empty is answered at once.
    if (bits & ~before & IER_TRANSMITTER_EMPTY && this.toSend.length === 0)
      this.transmitterDue = true
  }

  private send(byte: number): void {
    this.transmitterDue = false
    if (this.toSend.length >= QUEUE_BYTES) return
    this.toSend.push(byte)
    if (this.toSend.length === 1) this.board.after(TICKS_PER_BYTE, () => this.sentOne())
  }

  private sentOne(): void {
    const byte = this.toSend.shift()
    if (byte === undefined) return
    if (this.modemControl & MCR_LOOP) this.receive(Uint8Array.of(byte))
    else this.board.sent(this, Uint8Array.of(byte))
    if (this.toSend.length > 0) this.board.after(TICKS_PER_BYTE, () => this.sentOne())
    else this.transmitterDue = true
    this.updateLine()
  }

  private lineStatus(): number {
    let status = 0
    if (this.received.length > 0) status |= LSR_DATA_READY
    if (this.overrun) status |= LSR_OVERRUN
    if (this.toSend.length === 0) status |= LSR_HOLDING_EMPTY | LSR_EMPTY
    this.overrun = false
    this.updateLine()
    return status
  }

  /** The reason of highest rank, as IIR names it. */
  private reason(): number {
    const enabled = this.interruptEnable
    if (enabled & IER_LINE_STATUS && this.overrun) return IIR_LINE_STATUS
    if (enabled & IER_RECEIVED && this.received.length > 0) return IIR_RECEIVED
    if (enabled & IER_TRANSMITTER_EMPTY && this.transmitterDue) return IIR_TRANSMITTER_EMPTY
    return IIR_NONE
  }

  private identify(): number {
    const reason = this.reason()
    // Being told about it is all that this reason wants.
    if (reason === IIR_TRANSMITTER_EMPTY) this.transmitterDue = false
    this.updateLine()
    return reason | (this.fifoControl & FCR_ENABLE ? 0xc0 : 0)
  }

  private updateLine(): void {
    const isConnected = (this.modemControl & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2
    this.board.setLine(this.line, isConnected && this.reason() !== IIR_NONE)
  }
}
