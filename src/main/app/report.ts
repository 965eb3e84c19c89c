/** Proofs of a start that scripts ask for: a picture of the window, and how long it took. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { BrowserWindow } from 'electron'

/** Milliseconds from the start of the process by the system to a moment (ms since 1970). */
export const sinceProcessStart = (now = Date.now()): number =>
  now - (process.getCreationTime() ?? Date.now() - process.uptime() * 1000)

/** Moments of the start, in the order in which they came. */
export class StartupClock {
  readonly marks: Record<string, number> = {}

  /** Note that this point is reached now, or was at `at`; the first time counts. */
  mark(name: string, at?: number): void {
    this.marks[name] ??= Math.round(sinceProcessStart(at) * 10) / 10
  }

  /** `{ schema: 'ring0-startup/1', ms: { main, ready, catalogue, window, painted, editor, usable } }` */
  write(file: string): void {
    writeWhole(file, `${JSON.stringify({ schema: 'ring0-startup/1', ms: this.marks }, null, 2)}\n`)
  }
}

/** Write what the window shows as a PNG. */
export async function writePicture(window: BrowserWindow, file: string): Promise<void> {
  // The page says that it is ready; let the frame it asked for reach the screen.
  await pause(400)
  const picture = await window.webContents.capturePage()
  writeWhole(file, picture.toPNG())
}

function writeWhole(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
