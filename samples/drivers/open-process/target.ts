/* The one that is opened. It notices nothing. */
import { Sleep } from 'win32'

export function main(): number {
  Sleep(10)
  return 0
}
