/**
 * System calls of a machine whose IA32_LSTAR was moved: the processor goes where the register says,
 * with the program's stack and without asking anybody.
 */
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'

/**
 * Run what IA32_LSTAR points at. A function of a driver is called with the number of the service; when
 * it returns, KiSystemCall64 goes on, as if the function had ended with a jump there.
 * @bugcheck 0x7F when no code of a driver is there: the first fault on a program's stack becomes a double one
 */
export function* enterByRegister(k: Kernel, number: number): KernelRoutine<void> {
  const { entry } = k.hal.registers
  const code = k.images.function(entry)
  if (!code || code.native)
    k.bugCheck(
      0x7f,
      8,
      0,
      0,
      0,
      `A system call went to ${k.memory.format(entry)}, where IA32_LSTAR points and no code is.`,
    )
  yield* k.call(entry, 'SYSTEM_CALL_ENTRY', [number])
}
