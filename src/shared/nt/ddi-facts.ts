/** Prototypes, IRQL limits and rules of kernel routines. */

import { DDI_FACTS, type DdiFacts, type DdiName } from './generated/ddi-facts'

export * from './generated/ddi-facts'

/** Facts about a routine; undefined for a name outside the table. */
export function ddiFacts(name: string): DdiFacts | undefined {
  return Object.hasOwn(DDI_FACTS, name) ? DDI_FACTS[name as DdiName] : undefined
}

/** The C prototype in one line, `VOID KeSetTargetProcessorDpc(PKDPC Dpc, CCHAR Number)`. */
export function ddiPrototype(name: DdiName): string {
  const { returnType, params } = DDI_FACTS[name]
  const list = params.map((param) => (param.name === '...' ? '...' : `${param.type} ${param.name}`))
  return `${returnType} ${name}(${list.join(', ') || 'VOID'})`
}
