// Where things lie. Nothing here touches the disk except `ensureCache`.

import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupError } from './log.mjs'

/** The project folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A path inside the project. */
export const inProject = (...parts) => join(root, ...parts)

function userCache() {
  const { env, platform } = process
  if (env.RING0_CACHE_DIR) return env.RING0_CACHE_DIR
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'ring0-lab')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ring0-lab')
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'ring0-lab', 'Cache')
  }
  return join(homedir(), '.cache', 'ring0-lab')
}

/** Cache of this user: runtimes and what was found out about this machine. */
export const cacheDir = userCache()

/** A path inside the cache; the cache folder exists afterwards. */
export function inCache(...parts) {
  try {
    mkdirSync(cacheDir, { recursive: true })
  } catch (error) {
    throw new SetupError(
      `The cache folder ${cacheDir} cannot be made: ${error.message}`,
      'Set RING0_CACHE_DIR to a folder that can be written.',
    )
  }
  return join(cacheDir, ...parts)
}
