/** Where a minifilter stands among the others: its altitude in the registry, and which one is higher. */
import { REG_DWORD } from '../../../shared/nt/generated/constants'
import type { Kernel } from '../kernel'

/**
 * The altitude that the service key of a minifilter names: the default instance of `Instances`, as its
 * INF writes it, or else `Parameters\Altitude`. Null when there is neither.
 */
export function altitudeOf(k: Kernel, service: string): string | null {
  const path = `\\Registry\\Machine\\System\\CurrentControlSet\\Services\\${service}`
  const instance = readText(k, `${path}\\Instances`, 'DefaultInstance')
  if (instance !== null) return readText(k, `${path}\\Instances\\${instance}`, 'Altitude')
  return readText(k, `${path}\\Parameters`, 'Altitude')
}

/** Text of a REG_SZ; a REG_DWORD is taken for its digits. */
function readText(k: Kernel, path: string, name: string): string | null {
  const value = k.registry.key(path)?.value(name)
  if (!value) return null
  const view = new DataView(value.data.buffer, value.data.byteOffset, value.data.byteLength)
  if (value.type === REG_DWORD) return String(view.getUint32(0, true))
  let text = ''
  for (let i = 0; i + 1 < value.data.length; i += 2) {
    const unit = view.getUint16(i, true)
    if (unit === 0) break
    text += String.fromCharCode(unit)
  }
  return text
}

/** Whether a text is an altitude: digits, and digits behind a point. */
export function isAltitude(text: string): boolean {
  return /^\d{1,20}(\.\d{1,20})?$/.test(text)
}

/** Above zero when `a` is the higher altitude; they are decimals of any length. */
export function compareAltitudes(a: string, b: string): number {
  const [wholeA = '', restA = ''] = a.split('.')
  const [wholeB = '', restB = ''] = b.split('.')
  const difference = BigInt(wholeA) - BigInt(wholeB)
  if (difference !== 0n) return difference > 0n ? 1 : -1
  const width = Math.max(restA.length, restB.length)
  const [left, right] = [restA.padEnd(width, '0'), restB.padEnd(width, '0')]
  return left === right ? 0 : left > right ? 1 : -1
}
