/**
 * Which running program a job belongs to. Several may have one catalogue open: the app, and imports
 * from a terminal. A job whose program is gone is nobody's, and may be taken over.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/**
 * Times of one start of the system differ by what the clock was set meanwhile, in milliseconds. A
 * program with the same number after a quicker restart is told apart where /proc is.
 */
const BOOT_MS_TOLERANCE = 10 * 60_000

const bootedAt = (): number => Math.round(Date.now() - uptime() * 1000)

/** A name for this run of this program: process, its start, the system's start, and a word. */
export const newOwner = (): string =>
  [process.pid, startOf(process.pid) ?? '-', bootedAt(), randomUUID()].join(' ')

/** Does the program still run? What cannot be read names none. */
export function isAlive(owner: string): boolean {
  const [pid, start, booted] = owner.split(' ')
  const id = Number(pid)
  // This very process has names of its own; another with its number ran before it.
  if (!Number.isInteger(id) || id <= 0 || id === process.pid) return false
  if (!(Math.abs(Number(booted) - bootedAt()) < BOOT_MS_TOLERANCE)) return false
  try {
    process.kill(id, 0)
  } catch (error) {
    // There, and another user's.
    return (error as { code?: unknown }).code === 'EPERM'
  }
  return start === '-' || start === startOf(id)
}

/** When a process began, in ticks since the system did; null where the system does not say. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold anything; field 22 is the twentieth behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
