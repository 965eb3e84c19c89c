/** The part of the fold that keeps the files of a machine that has a volume. */
import type { TraceEvent } from './event'

export interface FileState {
  /** On the volume, `\Users\student\notes.txt`. */
  path: string
  size: number
  folder: boolean
  /** Step of the last change; 0 for what was there when the volume was mounted. */
  changed: number
}

/** `\A\B` for everything below `\A`, and `\A` itself, when `\A` is renamed. */
function moved(path: string, from: string, to: string): string | null {
  if (path === from) return to
  return path.startsWith(`${from}\\`) ? to + path.slice(from.length) : null
}

/** Apply one event to the files, in place. */
export function foldFiles(files: FileState[], event: TraceEvent): void {
  switch (event.t) {
    case 'volume.mounted':
      for (const { path, size, folder = false } of event.files)
        files.push({ path, size, folder, changed: 0 })
      break
    case 'file.created':
      files.push({ path: event.path, size: 0, folder: event.folder, changed: event.seq })
      break
    case 'file.written': {
      const file = files.find(({ path }) => path === event.path)
      if (file) Object.assign(file, { size: event.size, changed: event.seq })
      break
    }
    case 'file.renamed': {
      // What had the new name before is replaced.
      const replaced = files.findIndex(({ path }) => path === event.to)
      if (replaced >= 0) files.splice(replaced, 1)
      for (const file of files) {
        const path = moved(file.path, event.path, event.to)
        if (path !== null) Object.assign(file, { path, changed: event.seq })
      }
      break
    }
    case 'file.deleted': {
      const at = files.findIndex(({ path }) => path === event.path)
      if (at >= 0) files.splice(at, 1)
    }
  }
}
