/* A program that has done its work and forgot to end. */
import { Sleep } from 'win32'

export function main(): number {
  for (;;) Sleep(1000)
}
