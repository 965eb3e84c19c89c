/* The program that the tool would find. */
import { printf } from 'win32'
export function main(): number {
  printf('miner: at work\n')
  return 0
}
