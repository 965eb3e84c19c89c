// bugchecks.json -> bugchecks.ts

import { fail, hex32, key, literal, number } from './emit.mjs'

/** bugchecks.ts: codes by name, facts in order of code, and the fault decision table. */
export function renderBugchecks(table) {
  const sorted = [...table.bugchecks].sort((a, b) => a.code - b.code)
  sorted.forEach(({ code, name, parameters }, index) => {
    if (code === sorted[index - 1]?.code) fail(`bug check ${number(code)} is listed twice`)
    if (parameters.some(({ n }, place) => n !== place + 1) || parameters.length !== 4)
      fail(`bug check ${name} does not have four parameters`)
  })
  const rows = sorted.map(({ codeHex, verifiedAgainst, parameters, subcodes, ...facts }) => {
    const meanings = parameters.map(({ meaning }) => meaning)
    const body = literal({ ...facts, code: undefined, parameters: meanings }).slice(2, -2)
    const types = (subcodes ?? []).map(({ valueHex, ...type }) => `      ${literal(type)},\n`)
    const list = types.length ? `    subcodes: [\n${types.join('')}    ],\n` : ''
    return `  {\n    code: ${number(facts.code)}, ${body},\n${list}  },\n`
  })
  const decision = table.faultDecision
  const steps = decision.order.map((step) => [step.if, step.then])
  const contexts = decision.unhandledException.map((step) => [step.context, step.then])
  const ruleRows = (rules) =>
    rules.map(([condition, outcome]) => `    ${literal({ condition, outcome })},\n`).join('')
  return `/** Bug check codes by name. */
export const BUGCHECK_CODES = {
${sorted.map(({ name, code }) => `  ${key(name)}: ${hex32(code)},\n`).join('')}} as const

/** Names of the bug checks in the table. */
export type BugcheckName = keyof typeof BUGCHECK_CODES

/** One meaning of the first parameter, where that tells the kind of damage. */
export interface BugcheckSubcode {
  readonly value: number
  readonly meaning: string
  /** Meanings of parameters 2 to 4. */
  readonly parameters?: readonly string[]
  readonly detect?: string
  readonly severity?: string
}

/** What is known about a bug check. */
export interface BugcheckFacts {
  readonly code: number
  readonly name: BugcheckName
  /** Meanings of the four parameters. */
  readonly parameters: readonly string[]
  readonly cause: string
  /** The condition in terms of the simulated machine. */
  readonly detect: string
  readonly exampleMistake: string
  /** \`always\`, or what has to be switched on. */
  readonly activeWhen: string
  readonly confidence: string
  readonly notes?: readonly string[]
  readonly seeAlso?: readonly string[]
  readonly subcodes?: readonly BugcheckSubcode[]
}

/** Facts in order of code. */
export const BUGCHECKS: readonly BugcheckFacts[] = [
${rows.join('')}]

/** One row of the decision table: the first condition that holds decides. */
export interface FaultRule {
  readonly condition: string
  readonly outcome: string
}

/** How a memory fault or an unhandled exception becomes a bug check. */
export interface FaultDecision {
  readonly title: string
  /** First address of the kernel half. */
  readonly kernelStart: bigint
  /** Last address of the user half. */
  readonly userEnd: bigint
  readonly order: readonly FaultRule[]
  /** By the context that raised the exception. */
  readonly unhandledException: readonly FaultRule[]
  readonly notes: readonly string[]
}

/** The decision table that the memory manager and the exception dispatcher follow. */
export const FAULT_DECISION: FaultDecision = {
  title: ${literal(decision.title)},
  kernelStart: ${number(BigInt(decision.kernelStart))},
  userEnd: ${number(BigInt(decision.userEnd))},
  order: [
${ruleRows(steps)}  ],
  unhandledException: [
${ruleRows(contexts)}  ],
  notes: ${literal(decision.notes)},
}
`
}
