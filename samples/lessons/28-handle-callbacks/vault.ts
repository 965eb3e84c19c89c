/* The program that is to be protected: it works as long as the machine runs. */
import { Sleep } from 'win32'
export function main(): number {
  for (;;) Sleep(1000)
}
