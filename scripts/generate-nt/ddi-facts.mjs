// ddi.json -> ddi-facts.ts

import { fail, key, literal, quote } from './emit.mjs'

/** ddi-facts.ts: prototype, IRQL and rules of each routine. Statuses are names; their values are in ntstatus.ts. */
export function renderDdiFacts(table) {
  const seen = new Set()
  const rows = table.ddis.map((ddi) => {
    if (seen.has(ddi.name)) fail(`${ddi.name} is listed twice`)
    seen.add(ddi.name)
    const params = ddi.params.map((param) => {
      const optional = param.optional ? true : undefined
      return `      ${literal({ name: param.name, type: param.type, dir: param.dir, optional })},\n`
    })
    const facts = literal({
      component: ddi.component,
      header: ddi.header,
      returnType: ddi.returnType,
      minIrql: ddi.minIrqlValue ?? 0,
      maxIrql: ddi.maxIrqlValue,
      irqlNote: ddi.irqlNote,
      documented: ddi.documented,
      macroOrInline: ddi.macroOrInline,
      compilerIntrinsic: ddi.compilerIntrinsic,
      summary: ddi.summary,
      returns: ddi.returns,
      failureStatuses: ddi.failureStatuses.map(({ name }) => name),
      rules: ddi.rules,
      abuse: ddi.abuse,
    }).slice(2, -2)
    const list = params.length ? `[\n${params.join('')}    ]` : '[]'
    return `  ${key(ddi.name)}: {\n    ${facts},\n    params: ${list},\n  },\n`
  })
  return `/** A parameter of a routine; the name \`...\` stands for any number of further arguments. */
export interface DdiParam {
  readonly name: string
  /** C type. */
  readonly type: string
  readonly dir: 'in' | 'out' | 'inout'
  readonly optional?: true
}

/** What is known about a routine. */
export interface DdiFacts {
  /** Component of the kernel or framework that implements it. */
  readonly component: string
  /** Header that declares it; absent for routines without a public declaration. */
  readonly header?: string
  readonly returnType: string
  /** Lowest IRQL at which a call is legal. */
  readonly minIrql: number
  /** Highest IRQL at which a call can be legal; \`irqlNote\` narrows it by argument. */
  readonly maxIrql: number
  readonly irqlNote?: string
  /** False for routines that Microsoft does not document. */
  readonly documented: boolean
  readonly macroOrInline?: boolean
  readonly compilerIntrinsic?: boolean
  readonly summary: string
  readonly returns?: string
  /** Names of statuses that a failing call may give; not complete. */
  readonly failureStatuses?: readonly string[]
  readonly rules?: readonly string[]
  /** How malicious or vulnerable drivers use it. */
  readonly abuse?: string
  readonly params: readonly DdiParam[]
}

/** Names of the routines in the table. */
export type DdiName =
${[...seen].map((name) => `  | ${quote(name)}\n`).join('')}
/** Facts by name of the routine. */
export const DDI_FACTS: Readonly<Record<DdiName, DdiFacts>> = {
${rows.join('')}}
`
}
