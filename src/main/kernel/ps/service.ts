/** The form of a system service: what KiServiceTable holds an entry for. */
import { hex } from '../../../shared/nt/format'
import type { NativeRoutine } from '../loader/image'

export interface Service {
  /** `NtClose`. */
  readonly name: string
  /** Index in KiServiceTable: the number that the ntdll stub puts into eax (Windows 10, build 19041). */
  readonly number: number
  /**
   * Arguments, those in registers and those on the stack: `p` a pointer, `h` a handle, `x` a number.
   */
  readonly args: string
  /** Takes pointers (indexes of simulated memory), handles and integers; returns an NTSTATUS. */
  readonly run: NativeRoutine
  /** What the trace says on the way to it. */
  readonly words: { stub: string; number: string; call: string; entry: string }
  /** Frames between the routine that calls it and whatever it calls itself, innermost first. */
  readonly path: readonly string[]
}

/** Arguments that x64 passes in registers. */
export const REGISTER_ARGUMENTS = 4

export function service(name: string, number: number, args: string, run: NativeRoutine): Service {
  const path = [`nt!${name}`, 'nt!KiSystemServiceCopyEnd', `ntdll!${name}`]
  const words = {
    stub: `ntdll!${name}`,
    number: `mov eax, ${hex(number)}`,
    call: `service ${hex(number)}, ring 3 to ring 0`,
    entry: `KiServiceTable[${hex(number)}]`,
  }
  return { name, number, args, run, words, path }
}
