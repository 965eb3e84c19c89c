/** `ring0 ddi`: what the table says of a routine. */
import { ddiReference } from '../kernel/ddi/reference'

export function describeRoutine(name: string): number {
  const all = ddiReference()
  const entry = all.find((item) => item.name.toLowerCase() === name.toLowerCase())
  if (!entry) {
    const near = all.filter((item) => item.name.toLowerCase().includes(name.toLowerCase()))
    process.stderr.write(`ring0: the lab has no routine ${name}\n`)
    if (near.length) process.stderr.write(`  ${near.map((item) => item.name).join(', ')}\n`)
    return 1
  }
  process.stdout.write(`${entry.prototype}\n`)
  process.stdout.write(`  ${entry.summary}\n  IRQL ${entry.irql}; support: ${entry.support}\n`)
  if (entry.note) process.stdout.write(`  ${entry.note}\n`)
  if (entry.docs) process.stdout.write(`  ${entry.docs}\n`)
  return 0
}
