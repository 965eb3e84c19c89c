/** What a machine waits for in which nothing moves any more. */
import { majorName } from '../../../shared/nt/irp-functions'
import type { Kernel } from '../kernel'
import { typeName } from '../ke/dispatcher'
import type { Thread } from '../ke/thread'

/** Why nothing moves any more, for the hang report. */
export function describeWait(k: Kernel, main: Thread): string {
  k.power.checkStuck()
  for (const info of k.irps.all()) {
    if (info.state !== 'active' || isSystemsOwn(k, info.thread)) continue
    const name = k.irps.holder(info)
    const what = `IRP ${info.number} (${majorName(info.major)}) was never completed`
    return `${what}: ${name} has it, and whoever asked waits for ever.`
  }
  const thread = waitsInTheEnd(k, main)
  const [object] = thread.wait?.objects ?? []
  if (object === undefined) return 'Every thread waits and no timer will wake one.'
  const name = typeName(k.memory.u8(object) & 0x7f).toLowerCase()
  const article = /^[aeo]/.test(name) ? 'an' : 'a'
  const where = thread.at ? ` at ${thread.at.file}:${thread.at.line}` : ''
  return `Thread ${thread.id} waits${where} for ${article} ${name} at ${k.memory.format(object)} that nothing will signal.`
}

/** Whether a packet is one that a process of the small Windows always has under way, as csrss.exe its read of the keyboard. */
function isSystemsOwn(k: Kernel, thread: Thread | null): boolean {
  return thread !== null && (k.world?.lives.has(thread.process.id) ?? false)
}

/** Whom a thread waits for, when that is a thread or a program that waits itself. */
function waitsInTheEnd(k: Kernel, main: Thread): Thread {
  const seen = new Set<Thread>()
  for (let thread = main; ;) {
    seen.add(thread)
    const waitedFor = k.ob.lookup(thread.wait?.objects[0] ?? 0)?.address
    const next = k.scheduler.threads.find(
      (each) =>
        each.wait !== null &&
        !seen.has(each) &&
        (each.address === waitedFor || each.process.address === waitedFor),
    )
    if (!next) return thread
    thread = next
  }
}
