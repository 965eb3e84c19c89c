/** One sentence or two for each stop of a system call: what happens there, and why. */
import { hex, hex32 } from '../nt/format'
import type { EventOf } from './event'
import { isKernels, type SystemCall } from './fold-rings'
import { plural, statusName } from './words'

export function program(from: string, routine: string): string {
  return `${from} calls ${routine}. The program is in ring 3: no call of its own reaches code of the kernel, so it asks a library.`
}

export function win32(name: string, service: string): string {
  return `${name} turns its parameters into those of ${service}. It is a library in the same ring: what it checks, a program can leave out.`
}

export function stub(number: number): string {
  return `The stub puts the service's number, ${hex(Math.max(0, number))}, into EAX, and copies RCX to R10, because syscall needs RCX for itself.`
}

export function syscall(hooked: string | null): string {
  const way = `RIP comes from IA32_LSTAR${hooked ? `, which ${hooked}` : ''}, CS and SS from IA32_STAR; the way back stays in RCX, the flags in R11.`
  return `The processor changes to ring 0 and nothing else decides where. ${way} RSP is not touched: this is still the program's stack.`
}

export function entered(): string {
  return "swapgs makes GS the processor's KPCR, and the thread's own kernel stack comes from there, for a stack that a program chose cannot be trusted. The way back goes into a trap frame, and the caller's mode into the thread."
}

export function table(
  number: number,
  raw: number,
  symbol: string,
  stackArguments: number,
  hooked: string | null,
): string {
  const which = `Entry ${hex(Math.max(0, number))} of the table is ${hex32(raw)}`
  if (hooked)
    return `${which}: it ${hooked}. The kernel does not ask who wrote it, and goes to ${symbol}.`
  const copies =
    stackArguments > 0
      ? `${plural(stackArguments, 'argument')} to copy from the caller's stack`
      : 'no arguments to copy from the stack'
  return `${which}: shifted right by four, the distance from the table to ${symbol}; the lowest four bits mean ${copies}.`
}

export function service(call: SystemCall, symbol: string, hooked: string | null): string {
  if (hooked)
    return `${symbol} answers in place of ${call.service}, in ring 0. Whether the service runs at all is up to it.`
  return call.from === 'user'
    ? `${call.service} does the work. The previous mode is UserMode, so it probes each pointer and checks what the caller may do.`
    : `${call.service} does the work. The previous mode is KernelMode, so it takes pointers as they are: the kernel trusts itself.`
}

export function driver(event: EventOf<'routine.called'>, owner: string, isGate: boolean): string {
  if (isGate)
    return `${event.name} of ${owner}.sys runs first, in ring 0, on the program's stack; KiSystemCall64 goes on behind it and notices nothing.`
  const why =
    event.kind === 'dispatch'
      ? 'the I/O manager hands it the packet that the call became'
      : event.kind === 'notify'
        ? 'the kernel tells it what is going on'
        : 'the call leads to it'
  return `${event.name} of ${owner}.sys runs in ring 0: ${why}. It is the same thread, on the same kernel stack.`
}

/** Of a service whose beginning was written over. */
export function leftAtOnce(service: string): string {
  return `The table leads to ${service}, as it should. Its first instruction is no longer its own.`
}

export function diverted(event: EventOf<'code.diverted'>, hooked: string | null): string {
  return hooked
    ? `The first bytes of ${event.from} were changed to ${event.bytes}, a jump: it ${hooked}. The table is as it was, so whoever compares that sees nothing.`
    : `The hook kept the bytes that it wrote over, and runs them here, at ${event.from}, to go on behind them: ${event.to} does its work after all.`
}

export function zwAsked(caller: string, routine: string): string {
  return `${caller} calls ${routine}. It is in ring 0 already, so neither ring nor stack has to change.`
}

export function internal(zw: string): string {
  return `nt!${zw} puts the number into EAX and goes to KiServiceInternal: no syscall, no swapgs, the same stack. The previous mode becomes KernelMode, and the same table is asked.`
}

export function zwBack(caller: string): string {
  return `The service returns into ${caller} as any routine does, and the previous mode is that of the caller again.`
}

export function back(call: SystemCall): string {
  const status = call.status === null ? 'the status' : statusName(call.status)
  return `sysret takes RIP out of RCX and the flags out of R11 and loads the segments of ring 3. The program goes on behind its syscall, on its own stack, with ${status} in RAX.`
}

export function unfinished(call: SystemCall): string {
  return `${call.service} did not come back: the thread ended in it, or the run did.`
}

/** `toy!Hook` is in `toy.sys`. */
export function moduleOf(symbol: string): string {
  if (isKernels(symbol)) return 'ntoskrnl.exe'
  const at = symbol.indexOf('!')
  return at > 0 ? `${symbol.slice(0, at)}.sys` : 'no module'
}

/** `leads into toy.sys, not ntoskrnl.exe`. */
export function leadsInto(symbol: string): string {
  const module = moduleOf(symbol)
  return module === 'no module'
    ? `leads to ${symbol}, where no module's code is`
    : `leads into ${module}, not ntoskrnl.exe`
}
