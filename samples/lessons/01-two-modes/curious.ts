/* Reads an address of the kernel. */
import { PVOID, cast, printf } from 'win32'

export function main(): number {
  const kernel = cast(PVOID, 0xfffff78000000000n)
  printf('curious: reading an address of the kernel\n')
  printf('curious: there is %u\n', kernel.u32[0])
  return 0
}
