/** Processes from three views, their threads, and whose token each process has. */
import { hex, pointer } from '../../../../shared/nt/format'
import { EPROCESS, ETHREAD } from '../../../../shared/nt/generated/offsets'
import type { Row } from '../../../../shared/memory/tables'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import { integrityName } from '../../se/sid'
import { TOKEN } from '../../se/token'
import { codePlace } from './code-place'
import type { Reader } from './reader'

const FLAGS_PROCESS_EXITING = 1 << 2
/** Processes and threads that are looked at; those that only a list names are left out first. */
const FOUND_MAX = 4096
/** Other processes that are named with a token. */
const SHARED_MAX = 32

interface Views {
  byList: boolean
  byHandleTable: boolean
  byScheduler: boolean
}

/**
 * EPROCESSes by where they were found: in PsActiveProcessHead's list, among the ids that handles and
 * look-ups go by (PspCidTable), as the process of a thread that the scheduler knows.
 */
function find(k: Kernel, reader: Reader): Map<Ptr, Views> {
  const found = new Map<Ptr, Views>()
  const note = (process: Ptr, view: keyof Views): void => {
    if (!process) return
    let views = found.get(process)
    if (!views) {
      if (view === 'byList' && found.size >= FOUND_MAX) return
      found.set(process, (views = { byList: false, byHandleTable: false, byScheduler: false }))
    }
    views[view] = true
  }
  // The list comes last: made-up entries in it push out nothing that is there.
  for (const process of k.processes.all()) note(process.address, 'byHandleTable')
  for (const thread of k.scheduler.threads)
    note(reader.ptr(thread.address + ETHREAD['Tcb.Process']), 'byScheduler')
  for (const link of reader.links(k.ob.data.find('PsActiveProcessHead')))
    note(link - EPROCESS.ActiveProcessLinks, 'byList')
  return found
}

function nameOf(k: Kernel, reader: Reader, process: Ptr): string {
  return k.processes.byAddress(process)?.name ?? reader.ansi(process + EPROCESS.ImageFileName, 15)
}

const idOf = (reader: Reader, process: Ptr): number =>
  Number(reader.u64(process + EPROCESS.UniqueProcessId) & 0xffff_ffffn)

export function processes(k: Kernel, reader: Reader): Row[] {
  return [...find(k, reader)]
    .map(([process, views]) => ({
      process: reader.addressText(process),
      pid: idOf(reader, process),
      name: nameOf(k, reader, process),
      imageFileName: reader.ansi(process + EPROCESS.ImageFileName, 15),
      parent: Number(reader.u64(process + EPROCESS.InheritedFromUniqueProcessId) & 0xffff_ffffn),
      threads: reader.u32(process + EPROCESS.ActiveThreads),
      token: pointer(tokenAt(reader, process)),
      protection: hex(reader.u8(process + EPROCESS.Protection)),
      isExiting: (reader.u32(process + EPROCESS.Flags) & FLAGS_PROCESS_EXITING) !== 0,
      ...views,
    }))
    .sort((a, b) => a.pid - b.pid)
}

export function threads(k: Kernel, reader: Reader): Row[] {
  const listed = new Set<Ptr>()
  for (const process of find(k, reader).keys())
    for (const link of reader.links(process + EPROCESS.ThreadListHead)) {
      const thread = link - ETHREAD['ThreadListEntry.Flink']
      // From here on another list was walked already.
      if (listed.has(thread)) break
      listed.add(thread)
    }
  const all = new Set([...k.scheduler.threads].map(({ address }) => address))
  for (const thread of listed) if (all.size < FOUND_MAX) all.add(thread)
  return [...all]
    .map((thread) => {
      const process = reader.ptr(thread + ETHREAD['Tcb.Process'])
      const start = codePlace(k, reader, reader.u64(thread + ETHREAD.StartAddress))
      return {
        thread: reader.addressText(thread),
        tid: Number(reader.u64(thread + ETHREAD['Cid.UniqueThread']) & 0xffff_ffffn),
        pid: idOf(reader, process),
        process: nameOf(k, reader, process),
        start: start.address,
        symbol: start.symbol,
        module: start.module,
        byList: listed.has(thread),
        byScheduler: k.scheduler.byAddress(thread) !== undefined,
      }
    })
    .sort((a, b) => a.tid - b.tid)
}

/** EPROCESS.Token without the count of references in its low bits. */
function tokenAt(reader: Reader, process: Ptr): bigint {
  return reader.u64(process + EPROCESS['Token.Value']) & ~0xfn
}

/** The token of each process, who else has it, and whether it is the one that it was made with. */
export function tokens(k: Kernel, reader: Reader): Row[] {
  const holders = [...find(k, reader).keys()].map((process) => ({
    process,
    pid: idOf(reader, process),
    name: nameOf(k, reader, process),
    token: tokenAt(reader, process),
  }))
  const byToken = new Map<bigint, typeof holders>()
  for (const holder of holders) {
    const known = byToken.get(holder.token)
    if (known) known.push(holder)
    else byToken.set(holder.token, [holder])
  }
  return holders
    .map(({ process, pid, name, token }) => {
      const at = reader.placeOf(token)
      const data = at ? k.se.tokens.at(at) : undefined
      const own = k.processes.byAddress(process)
      return {
        pid,
        process: name,
        token: pointer(token),
        user: data?.user ?? null,
        integrity: data ? integrityName(data.integrity) : null,
        privileges: pointer(at ? reader.u64(at + TOKEN['Privileges.Enabled']) : 0n),
        isOwn: own !== undefined && data !== undefined && k.processes.tokenOf(own) === data,
        sharedWith: othersThan(process, byToken.get(token)!),
      }
    })
    .sort((a, b) => a.pid - b.pid)
}

/** The processes beside this one, by name and id; the first of them when there are many. */
function othersThan(
  process: Ptr,
  holders: readonly { process: Ptr; pid: number; name: string }[],
): string[] {
  const named = holders
    .slice(0, SHARED_MAX + 1)
    .filter((other) => other.process !== process)
    .slice(0, SHARED_MAX)
    .map((other) => `${other.name} (${other.pid})`)
  const more = holders.length - 1 - named.length
  return more > 0 ? [...named, `${more} more`] : named
}
