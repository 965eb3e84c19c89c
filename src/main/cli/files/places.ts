/** Where things lie for the commands about driver files. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { whereTyped } from '../where-typed'

/** The name under which the app keeps its own folder; `productName` of package.json. */
const APP_NAME = 'Ring0 Lab'
const CATALOGUE_FILE = 'catalogue.sqlite'

/** `data/` as shipped: beside the folder that the bundle lies in, or in the project. */
export function dataFolder(): string {
  const found = [join(__dirname, '../../data'), join(__dirname, '../../../data'), 'data'].find(
    (it) => existsSync(join(it, 'loldrivers')),
  )
  return resolve(found ?? 'data')
}

/** A file that was built beside this bundle, which may be in a folder of chunks. */
export function builtBeside(name: string): string {
  const beside = join(__dirname, name)
  return existsSync(beside) ? beside : join(__dirname, '..', name)
}

/** Version of the program, for what the catalogue remembers of who wrote it. */
export function version(): string {
  const text = readFileSync(join(dataFolder(), '../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The app's own folder of this user, as Electron chooses it. */
function userData(): string {
  const { env, platform } = process
  if (env['RING0_USER_DATA']) return env['RING0_USER_DATA']
  if (platform === 'win32')
    return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), APP_NAME)
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', APP_NAME)
  return join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), APP_NAME)
}

/**
 * The catalogue's file and the folder beside which its quarantine lies.
 * @param named  what `--catalogue` said: a file, a folder, or null for the app's own
 */
export function cataloguePlace(named: string | null): { file: string; folder: string } {
  if (named === null) {
    const folder = userData()
    return { file: join(chosenFolder(folder) ?? folder, CATALOGUE_FILE), folder }
  }
  const place = whereTyped(named)
  const isFolder = existsSync(place) ? statSync(place).isDirectory() : !/\.sqlite$/i.test(place)
  return isFolder
    ? { file: join(place, CATALOGUE_FILE), folder: place }
    : { file: place, folder: resolve(place, '..') }
}

/** The folder that the user chose in the app, when the app's own would not do. */
function chosenFolder(folder: string): string | null {
  try {
    const settings: unknown = JSON.parse(readFileSync(join(folder, 'local-settings.json'), 'utf8'))
    const chosen = (settings as { catalogueFolder?: unknown }).catalogueFolder
    return typeof chosen === 'string' && chosen !== '' ? chosen : null
  } catch {
    return null
  }
}
