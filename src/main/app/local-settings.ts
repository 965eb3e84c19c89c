/**
 * What the app must know before the catalogue is open, or when it cannot be opened: where the
 * window stood, its theme, and where the catalogue lies. A small JSON file in userData.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Theme } from '../../shared/contract/app'

const WindowState = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(100).max(20_000),
  height: z.number().int().min(100).max(20_000),
  isMaximized: z.boolean(),
})
export type WindowState = z.infer<typeof WindowState>

const LocalSettings = z.object({
  theme: Theme.catch('system'),
  window: WindowState.nullable().catch(null),
  /** Folder of the catalogue, when the user chose another than userData. */
  catalogueFolder: z.string().min(1).nullable().catch(null),
  /** Folder of lessons that the user added. */
  lessonFolder: z.string().min(1).nullable().catch(null),
  /** Folder of the user's YARA rules. */
  yaraFolder: z.string().min(1).nullable().catch(null),
})
export type LocalSettings = z.infer<typeof LocalSettings>

export interface LocalSettingsFile {
  readonly current: LocalSettings
  change(part: Partial<LocalSettings>): void
}

/** Read the file; what is missing or damaged in it gets its usual value. */
export function openLocalSettings(folder: string): LocalSettingsFile {
  const file = join(folder, 'local-settings.json')
  let current = LocalSettings.parse(readJson(file))
  return {
    get current() {
      return current
    },
    change(part) {
      current = { ...current, ...part }
      try {
        writeFileSync(`${file}.part`, `${JSON.stringify(current, null, 2)}\n`)
        renameSync(`${file}.part`, file)
      } catch (error) {
        // A window that opens elsewhere next time is no reason to stop.
        console.error(`Cannot write ${file}: ${String(error)}`)
      }
    },
  }
}

function readJson(file: string): object {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}

interface Area {
  x: number
  y: number
  width: number
  height: number
}

/** The kept place, unless no screen shows enough of it any more. */
export function placeOnScreens(kept: WindowState | null, screens: readonly Area[]): Area | null {
  if (!kept) return null
  const isVisible = screens.some((screen) => {
    const width =
      Math.min(kept.x + kept.width, screen.x + screen.width) - Math.max(kept.x, screen.x)
    const height =
      Math.min(kept.y + kept.height, screen.y + screen.height) - Math.max(kept.y, screen.y)
    // A title bar that can be taken hold of.
    return width >= 200 && height >= 100
  })
  if (!isVisible) return null
  const { x, y, width, height } = kept
  return { x, y, width, height }
}
