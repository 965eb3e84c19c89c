/** The registers of a thread on its way through a system call, and what each stop changes in them. */
import { SELECTORS } from '../nt/system-call'
import { hex } from '../nt/format'

export const REGISTER_NAMES = [
  'RIP',
  'CPL',
  'CS',
  'SS',
  'RSP',
  'GS',
  'RFLAGS',
  'RAX',
  'RCX',
  'RDX',
  'R8',
  'R9',
  'R10',
  'R11',
  'PreviousMode',
] as const
export type RegisterName = (typeof REGISTER_NAMES)[number]

export interface Register {
  name: RegisterName
  /** Null when nothing is known of it here. */
  value: string | null
  /** What the value is, in a few words. */
  note: string
  /** What it was at the stop before, when that was something else. */
  was?: string | null
}

/** A value and what it is. */
export type Setting = readonly [value: string | null, note?: string]

export class RegisterFile {
  private readonly values = new Map<RegisterName, { value: string | null; note: string }>()
  private before: Map<RegisterName, string | null> | null = null

  /** Set registers; the ring decides on the segments. A value that is set again loses its note. */
  set(mode: 'user' | 'kernel', changes: Partial<Record<RegisterName, Setting>>): void {
    const { cs, ss } = SELECTORS[mode]
    const all: Partial<Record<RegisterName, Setting>> = {
      CPL:
        mode === 'user' ? ['3', 'the lowest two bits of CS'] : ['0', 'the lowest two bits of CS'],
      CS: [hex(cs)],
      SS: [hex(ss)],
      ...changes,
    }
    for (const name of REGISTER_NAMES) {
      const setting = all[name]
      if (setting) this.values.set(name, { value: setting[0], note: setting[1] ?? '' })
    }
  }

  /** All registers as they are now; the next answer says what has changed since this one. */
  take(): Register[] {
    const { before } = this
    const list = REGISTER_NAMES.map((name): Register => {
      const { value = null, note = '' } = this.values.get(name) ?? {}
      const was = before?.get(name) ?? null
      return { name, value, note, ...(before && was !== value ? { was } : {}) }
    })
    this.before = new Map(list.map(({ name, value }) => [name, value]))
    return list
  }
}
