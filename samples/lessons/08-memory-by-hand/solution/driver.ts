/*
 * Primes: says of four numbers whether they are prime.
 */
import { DbgPrint, ExAllocatePool2, ExFreePoolWithTag, POOL_FLAG_PAGED, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

/** Reads "Prim" in the pool. */
const TAG = 'mirP'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = PrimesUnload
  Tell(7)
  Tell(12)
  Tell(15)
  Tell(20)
  return STATUS_SUCCESS
}

function Tell(number: ULONG): void {
  DbgPrint(IsPrime(number) ? '%u is prime\n' : '%u is not prime\n', number)
}

/** Crosses out the multiples of 2, 3, 4 ... and looks whether the number is still there. */
function IsPrime(number: ULONG): boolean {
  // No need to cross out anything for these, and no memory to do it in.
  if (number % 2 === 0) return number === 2

  // One byte for each number up to this one, all of them zero.
  const crossed = ExAllocatePool2(POOL_FLAG_PAGED, number + 1, TAG)
  if (crossed === null) return false

  for (let factor = 2; factor <= number; factor++)
    for (let multiple = factor * 2; multiple <= number; multiple += factor) crossed.u8[multiple] = 1
  const isLeft = crossed.u8[number] === 0
  ExFreePoolWithTag(crossed, TAG)
  return isLeft
}

function PrimesUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Primes: done\n')
}
