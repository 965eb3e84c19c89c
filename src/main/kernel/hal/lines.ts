/**
 * Interrupt lines of the board: which is up, which vector and level it has, which interrupt objects
 * are connected to it.
 *
 * A level-triggered line stays up until the device lets it fall; an edge is remembered until it was
 * delivered once. A line nobody is connected to is masked at the interrupt controller: a level waits
 * there, an edge is lost.
 *
 * From the moment at which a processor takes a line up to its end of interrupt the line is in service:
 * a level is delivered to no other processor meanwhile, and an edge that comes is kept back by a GIC,
 * while an I/O APIC hands it to a processor that can take it.
 */
import type { Kernel } from '../kernel'
import type { InterruptObject } from './interrupt-object'
import type { Platform } from './platform'

export interface Line {
  /** Number on the board; -1 for a vector that no device of the board has. */
  number: number
  vector: number
  irql: number
  mode: 'level' | 'edge'
  /** Device at the other end. */
  device: string | null
  asserted: boolean
  /** An edge, or a single pulse, that was not delivered yet. */
  latched: boolean
  /** A processor has taken it and not yet told the controller that it is done. */
  inService: boolean
  /** seq of the event that made the line rise. */
  cause: number
  readonly connected: InterruptObject[]
}

export class Lines {
  private readonly byNumber = new Map<number, Line>()
  private readonly byVector = new Map<number, Line>()
  /** Highest level of a line that waits to be delivered; -1 when none does. */
  pendingLevel = -1

  constructor(
    private readonly k: Kernel,
    private readonly platform: Platform,
  ) {}

  /** Put a device's line on the board. */
  add(number: number, mode: Line['mode'], device: string): void {
    const vector = this.platform.vectorOf(number)
    const line: Line = {
      number,
      vector,
      irql: this.platform.irqlOf(vector),
      mode,
      device,
      asserted: false,
      latched: false,
      inService: false,
      cause: 0,
      connected: [],
    }
    this.byNumber.set(number, line)
    this.byVector.set(vector, line)
  }

  ofNumber(number: number): Line | undefined {
    return this.byNumber.get(number)
  }

  /** The line of a vector; one without a device is made at the first question. Null for no device's vector. */
  ofVector(vector: number): Line | null {
    const known = this.byVector.get(vector)
    if (known) return known
    const irql = this.platform.irqlOf(vector)
    if (irql === 0) return null
    const line: Line = {
      number: -1,
      vector,
      irql,
      mode: 'edge',
      device: null,
      asserted: false,
      latched: false,
      inService: false,
      cause: 0,
      connected: [],
    }
    this.byVector.set(vector, line)
    return line
  }

  /** A device drives its line. */
  set(number: number, asserted: boolean): void {
    const line = this.byNumber.get(number)
    if (!line || line.asserted === asserted) return
    line.asserted = asserted
    if (asserted) this.rose(line)
    this.update()
  }

  /** One interrupt for which no device has a reason: noise on the line. */
  pulse(number: number): void {
    const line = this.byNumber.get(number)
    if (!line) return
    line.latched = line.connected.length > 0
    this.rose(line)
    this.update()
  }

  private rose(line: Line): void {
    if (line.mode === 'edge' && line.connected.length > 0) line.latched = true
    line.cause = this.k.emit({
      t: 'interrupt.raised',
      device: line.device,
      vector: line.vector,
      level: line.irql,
      masked: line.connected.length === 0,
    })
  }

  isPending(line: Line): boolean {
    if (line.connected.length === 0 || this.isHeldBack(line)) return false
    return line.latched || (line.mode === 'level' && line.asserted)
  }

  private isHeldBack({ inService, mode }: Line): boolean {
    return inService && (mode === 'level' || this.platform.keepsEdgesBack)
  }

  /** A processor takes the line. */
  accept(line: Line): void {
    line.latched = false
    line.inService = true
    this.update()
  }

  /** End of interrupt: what is still up, or came meanwhile, may be delivered. */
  end(line: Line): void {
    line.inService = false
    this.update()
  }

  /** The line to deliver at a processor level: the highest that is above it. */
  next(level: number): Line | null {
    let best: Line | null = null
    for (const line of this.byVector.values())
      if (this.isPending(line) && line.irql > (best?.irql ?? level)) best = line
    return best
  }

  /** To be called when a line or its connections changed. */
  update(): void {
    this.pendingLevel = this.next(-1)?.irql ?? -1
  }
}
