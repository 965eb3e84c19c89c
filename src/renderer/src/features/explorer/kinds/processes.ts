/** Processes and threads, and what threads hold and wait for. */
import { protectionName } from '../../../../../shared/nt/protection'
import type { ProcessState } from '../../../../../shared/trace/fold'
import { grouped } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { code, hex, said, timeWords, type KindRows } from '../row'

const processes: KindRows = {
  count: (state) => state.processes.length,
  rows(state) {
    const look = lookUp(state)
    return state.processes.map((process) => {
      const ended = process.exitCode
      const protection = protectionName(process.protection)
      return {
        id: String(process.id),
        title: process.name,
        about: ended === null ? liveWords(process) : `ended with ${exitWords(ended)}`,
        words: [process.name],
        fields: [
          said('Id', process.id),
          said('State', ended === null ? 'running' : `ended with exit code ${exitWords(ended)}`),
          ...(process.parent === null ? [] : [look.process('Parent', process.parent)]),
          ...(process.user === null
            ? []
            : [said('Token', process.user, { kind: 'tokens', id: String(process.id) })]),
          ...(process.session > 0 ? [said('Session', process.session)] : []),
          ...(protection === null ? [] : [said('Protection', protection)]),
          ...(process.critical ? [said('Critical', 'the machine stops when it ends')] : []),
          ...state.threads
            .filter((thread) => thread.process === process.id)
            .map((thread) => look.thread('Thread', thread.id)),
          ...state.executive.attached
            .filter((item) => item.process === process.id)
            .map((item) => look.thread('Attached thread', item.thread)),
          said('Handles', grouped(look.handlesIn.get(process.id)?.length ?? 0)),
        ],
      }
    })
  },
}

const liveWords = ({ protection }: ProcessState): string =>
  protectionName(protection) === null ? 'running' : 'running, protected'

/** Small numbers as they are, statuses in hexadecimal. */
const exitWords = (exit: number): string =>
  exit > 0xffff || exit < 0 ? hex(exit >>> 0) : `${exit}`

const threads: KindRows = {
  count: (state) => state.threads.length,
  rows(state) {
    const look = lookUp(state)
    return state.threads.map((thread) => ({
      id: String(thread.id),
      title: `${thread.id} ${thread.name}`,
      about: thread.id === state.thread && thread.state !== 'exited' ? 'running now' : thread.state,
      words: [`hread ${thread.id} `],
      fields: [
        said('Name', thread.name),
        said('State', thread.state),
        look.process('Process', thread.process),
        ...state.executive.attached
          .filter((item) => item.thread === thread.id)
          .map((item) => look.process('Attached to', item.process)),
        ...state.locks
          .filter((lock) => lock.thread === thread.id)
          .map((lock) =>
            code('Holds', `${lock.kind} ${lock.lock}`, { kind: 'locks', id: lock.lock }),
          ),
        ...state.executive.apcs
          .filter((apc) => apc.thread === thread.id)
          .map((apc) => code('APC', apc.routine, { kind: 'apcs', id: apc.apc })),
      ],
    }))
  },
}

const apcs: KindRows = {
  count: (state) => state.executive.apcs.length,
  rows: (state) =>
    state.executive.apcs.map((apc) => ({
      id: apc.apc,
      title: apc.routine,
      about: `${apc.mode}, thread ${apc.thread}`,
      words: [apc.apc],
      fields: [
        lookUp(state).routine('Routine', apc.routine),
        said('Mode', apc.mode),
        lookUp(state).thread('Waits for', apc.thread),
        code('Address', apc.apc),
      ],
    })),
}

const locks: KindRows = {
  count: (state) => state.locks.length,
  rows: (state) =>
    state.locks.map((lock) => ({
      id: lock.lock,
      title: lock.lock,
      about: lock.kind,
      words: [lock.lock],
      fields: [said('Kind', lock.kind), lookUp(state).thread('Held by', lock.thread)],
    })),
}

const timers: KindRows = {
  count: (state) => state.timers.length + state.dpcs.length,
  rows: (state) => [
    ...state.timers.map(({ timer, due }) => ({
      id: timer,
      title: `Timer ${timer}`,
      about: `due at ${timeWords(due)}`,
      words: [timer],
      fields: [said('Due', `${timeWords(due)} after boot`), code('Address', timer)],
    })),
    ...state.dpcs.map(({ dpc, routine }) => ({
      id: `dpc ${dpc}`,
      title: `DPC ${routine}`,
      about: 'queued',
      words: [dpc],
      fields: [lookUp(state).routine('Routine', routine), code('Address', dpc)],
    })),
  ],
}

export const processKinds = { processes, threads, apcs, locks, timers }
