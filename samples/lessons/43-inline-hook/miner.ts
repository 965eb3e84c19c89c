/* The program that nobody is to find: it works as long as the machine runs. */
import { Sleep } from 'win32'

export function main(): number {
  for (;;) Sleep(1000)
}
