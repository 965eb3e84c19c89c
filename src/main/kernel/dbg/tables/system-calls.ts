/** The way of system calls: the entries of KiServiceTable, and the registers that decide where they enter. */
import { pointer } from '../../../../shared/nt/format'
import type { Row } from '../../../../shared/memory/tables'
import type { Kernel } from '../../kernel'
import { IA32_LSTAR } from '../../hal/control-registers'
import { SERVICES } from '../../ps/services'
import { codePlace } from './code-place'
import type { Reader } from './reader'

const SERVICE_NAMES: ReadonlyMap<number, string> = new Map(
  SERVICES.map(({ number, name }) => [number, name]),
)
const ABSENT = 'nt!NtNotImplemented'

/** Entries of KiServiceTable; those of services that this kernel does not have only when they were changed. */
export function ssdt(k: Kernel, reader: Reader): Row[] {
  const { table, serviceCount } = k.syscalls
  const base = k.memory.address(table)
  const rows: Row[] = []
  for (let index = 0; index < serviceCount; index++) {
    // The entry is a distance from the table; its low four bits count arguments on the stack.
    const distance = (reader.u32(table + index * 4) | 0) >> 4
    const place = codePlace(k, reader, BigInt.asUintN(64, base + BigInt(distance)))
    const service = SERVICE_NAMES.get(index) ?? null
    if (service === null && place.symbol === ABSENT) continue
    const { address, symbol, module } = place
    rows.push({ index, service, target: address, symbol, module, inKernel: module === 'nt' })
  }
  return rows
}

/** CR0.WP, CR4.SMEP and CR4.SMAP. */
const BITS = [
  { register: 'CR0', name: 'CR0.WP', bit: 16n },
  { register: 'CR4', name: 'CR4.SMEP', bit: 20n },
  { register: 'CR4', name: 'CR4.SMAP', bit: 21n },
] as const

/** Registers that protect the kernel or decide where it is entered; none on a platform without them. */
export function registers(k: Kernel, reader: Reader): Row[] {
  const { platform, registers: cpu } = k.hal
  if (!platform.hasMsrs) return []
  const entry = cpu.readMsr(IA32_LSTAR)
  const values = { CR0: cpu.readCr0(), CR4: cpu.readCr4() }
  const { symbol, module } = codePlace(k, reader, entry)
  const row = (register: string, value: bigint | number): Row => ({
    register,
    value: typeof value === 'bigint' ? pointer(value) : value,
    symbol: null,
    module: null,
  })
  return [
    row('CR0', values.CR0),
    row('CR4', values.CR4),
    ...BITS.map(({ register, name, bit }) => row(name, Number((values[register] >> bit) & 1n))),
    { register: 'IA32_LSTAR', value: pointer(entry), symbol, module },
  ]
}
