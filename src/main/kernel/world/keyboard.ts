/** Part of the world: the keyboard, the console behind it, and the raw input thread between them. */
import { KEY_BREAK } from '../../../shared/nt/generated/constants'
import { IO_STATUS_BLOCK, KEYBOARD_INPUT_DATA } from '../../../shared/nt/generated/offsets'
import { STATUS_INSUFFICIENT_RESOURCES } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { Console } from '../input/console'
import { Keyboard, KEYBOARD_DEVICE } from '../input/keyboard'
import { characterOf, LEFT_CTRL, LEFT_SHIFT } from '../input/scan-codes'
import type { Kernel } from '../kernel'
import { NtReadFile } from '../io/nt-file'
import { waitUntilEnded } from '../ps/program'
import { CSRSS_ID } from './process-table'
import type { World } from './world'

const GENERIC_READ = 0x8000_0000
const SYNCHRONIZE = 0x10_0000
const KEYS_AT_ONCE = 8
/** Real time, the lowest: keys do not wait for programs. */
const RAW_INPUT_PRIORITY = 16

/** The drivers, and what csrss.exe does with them. */
export function* plugKeyboard(k: Kernel, world: World): KernelRoutine<void> {
  world.keyboard = new Keyboard(k, world.modules.get('kbdclass'))
  const console = new Console(k)
  world.lives.set(CSRSS_ID, (kernel) => rawInput(kernel, console))
}

/** win32kbase!RawInputThread: reads the keyboard for ever and hands on what the keys mean. */
function* rawInput(k: Kernel, console: Console): KernelRoutine<number> {
  const { memory } = k
  k.scheduler.setPriority(k.thread, RAW_INPUT_PRIORITY)
  const opened = yield* k.io.open({
    path: KEYBOARD_DEVICE,
    access: GENERIC_READ | SYNCHRONIZE,
    share: 3,
    synchronous: true,
    userMode: false,
  })
  const bytes = KEYS_AT_ONCE * KEYBOARD_INPUT_DATA.SIZE
  const iosb = k.pool.allocate(IO_STATUS_BLOCK.SIZE + bytes, 'Usrt', { system: true })
  if (!opened.handle || !iosb) return opened.status || STATUS_INSUFFICIENT_RESOURCES
  const buffer = iosb + IO_STATUS_BLOCK.SIZE
  let [shift, ctrl] = [false, false]
  for (;;) {
    const args = [opened.handle, 0, 0, 0, iosb, buffer, bytes, 0, 0]
    const status = yield* k.syscalls.callFromKernel(NtReadFile, args)
    if (k.thread.user?.ending != null) break
    // A filter that fails the read does not silence the keyboard for ever, nor does it make a loop.
    if ((status | 0) < 0) {
      yield* k.dispatcher.delay(-1_000_000n)
      continue
    }
    const count = Math.min(memory.size(iosb + IO_STATUS_BLOCK.Information), bytes)
    for (let at = 0; at + KEYBOARD_INPUT_DATA.SIZE <= count; at += KEYBOARD_INPUT_DATA.SIZE) {
      const code = memory.u16(buffer + at + KEYBOARD_INPUT_DATA.MakeCode)
      const isDown = (memory.u16(buffer + at + KEYBOARD_INPUT_DATA.Flags) & KEY_BREAK) === 0
      if (code === LEFT_SHIFT) shift = isDown
      else if (code === LEFT_CTRL) ctrl = isDown
      else if (isDown)
        for (const char of characterOf(code, shift, ctrl)) yield* console.receive(char)
    }
  }
  k.pool.free(iosb)
  return yield* waitUntilEnded(k)
}
