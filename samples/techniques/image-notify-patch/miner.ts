/* The program that Sentry is there to stop. */
import { printf } from 'win32'

export function main(): number {
  printf('miner.exe: at work\n')
  return 0
}
