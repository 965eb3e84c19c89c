/** Addresses of this app's pages, and which file each one is. */
import { join, normalize, sep } from 'node:path'

export const APP_SCHEME = 'ring0'
export const APP_ORIGIN = `${APP_SCHEME}://app`

/** Whether a page of ours may be at this address. */
export function isOwnUrl(url: string, developmentServer: string | undefined): boolean {
  try {
    const { origin, protocol, host } = new URL(url)
    // The origin of a custom scheme is "null" to the URL class.
    if (`${protocol}//${host}` === APP_ORIGIN) return true
    return developmentServer !== undefined && origin === new URL(developmentServer).origin
  } catch {
    return false
  }
}

/**
 * The file that an address means, or null for one that is not ours.
 * @param folder  the built window; nothing outside of it is ever meant
 */
export function fileOf(url: string, folder: string): string | null {
  let path: string
  try {
    const parsed = new URL(url)
    if (parsed.protocol !== `${APP_SCHEME}:` || parsed.host !== 'app') return null
    path = decodeURIComponent(parsed.pathname)
  } catch {
    return null
  }
  if (path.includes('\0')) return null
  const file = normalize(join(folder, path === '/' ? 'index.html' : path))
  return file.startsWith(folder.endsWith(sep) ? folder : folder + sep) ? file : null
}
