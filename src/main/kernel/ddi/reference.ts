/** The DDI table for people: hovers, the support table, docs/ddi.md. */
import { ddiFacts, ddiPrototype, type DdiName } from '../../../shared/nt/ddi-facts'
import { irqlName } from '../../../shared/nt/irql'
import { DDIS } from './index'
import type { DdiEntry } from './types'

const LEARN = 'https://learn.microsoft.com/windows-hardware/drivers/ddi/'
const LEARN_WIN32 = 'https://learn.microsoft.com/windows/win32/api/'

export interface DdiReference {
  name: string
  module: 'wdm' | 'win32' | 'both'
  component: string
  prototype: string
  irql: string
  summary: string
  support: 'full' | 'partial'
  note?: string
  docs?: string
}

let reference: DdiReference[] | null = null

/** Every routine of the table, in the order of names. */
export function ddiReference(): readonly DdiReference[] {
  reference ??= Object.entries(DDIS)
    .map(([name, entry]) => referenceOf(name, entry))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return reference
}

function referenceOf(name: string, entry: DdiEntry): DdiReference {
  const facts = ddiFacts(name)
  const module = entry.module ?? 'wdm'
  const max = entry.irql?.[1] ?? facts?.maxIrql ?? 15
  const min = entry.irql?.[0] ?? facts?.minIrql ?? 0
  const range = min === max ? irqlName(max) : max >= 15 ? 'any' : `<= ${irqlName(max)}`
  const docs = entry.docs
    ? (module === 'win32' ? LEARN_WIN32 : LEARN) + entry.docs
    : docsOf(name, facts?.header)
  return {
    name,
    module,
    component: facts?.component ?? (module === 'win32' ? 'Win32' : 'Kernel'),
    prototype: facts ? ddiPrototype(name as DdiName) : prototypeOf(name, entry),
    irql: module === 'win32' ? 'user mode' : range,
    summary: entry.summary ?? facts?.summary ?? '',
    support: entry.support ?? 'full',
    ...(entry.note ? { note: entry.note } : {}),
    ...(docs ? { docs } : {}),
  }
}

function prototypeOf(name: string, entry: DdiEntry): string {
  const params = Object.entries(entry.params).map(([param, type]) =>
    type.k === 'varargs' ? '...' : `${type.c} ${param}`,
  )
  return `${entry.returns.c} ${name}(${params.join(', ') || 'VOID'})`
}

function docsOf(name: string, header: string | undefined): string | undefined {
  if (!header) return undefined
  const file = header.replace(/\.h$/, '')
  return `${LEARN}${file}/nf-${file}-${name.toLowerCase()}`
}
