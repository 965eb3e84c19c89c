// irp-functions.json -> irp-functions.ts

import { exportedConstants, fail, literal, shorthandTable } from './emit.mjs'

/** irp-functions.ts: codes as constants, and what the viewer and the hovers say about them. */
export function renderIrpFunctions(table) {
  const codes = new Map()
  const add = (name, value) => {
    if (codes.has(name) && codes.get(name) !== value) fail(`${name} has two values`)
    codes.set(name, value)
  }
  table.functions.forEach((major, index) => {
    if (major.value !== index) fail(`${major.name} is not at place ${index}`)
    add(major.name, major.value)
  })
  add('IRP_MJ_MAXIMUM_FUNCTION', table._meta.maximumFunction)
  for (const { minorFunctions } of table.functions) {
    for (const { name, value } of minorFunctions) add(name, value)
  }
  const majors = table.functions.map(({ valueHex, minorFunctions, ...major }) => {
    const minors = minorFunctions.map(({ valueHex, ...minor }) => `      ${literal(minor)},\n`)
    const list = minors.length ? `[\n${minors.join('')}    ]` : '[]'
    const facts = Object.entries(major)
      .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => `    ${name}: ${literal(value)},\n`)
    return `  {\n${facts.join('')}    minorFunctions: ${list},\n  },\n`
  })
  const { statusHex, ...handler } = table.defaultHandler
  return `${exportedConstants([...codes])}
${shorthandTable('IRP_FUNCTION_CODES', [...codes.keys()], 'Major and minor function codes by name.')}
/** A minor function of one major function. */
export interface MinorFunctionFacts {
  readonly name: string
  readonly value: number
  readonly meaning: string
  readonly sentBy?: string
  /** Members of IO_STACK_LOCATION.Parameters that are valid. */
  readonly parameters?: string
  /** Whether a driver of the kind that receives it has to handle it. */
  readonly required?: boolean
  readonly statusWhenUnsupported?: string
  readonly functionDriver?: string
  readonly busDriver?: string
  readonly filterDriver?: string
  /** Whether lower drivers act first or last. */
  readonly direction?: string
  readonly mayFail?: boolean
  readonly notes?: readonly string[]
}

/** A call that leads to a major function. */
export interface IrpOrigin {
  readonly win32?: string
  readonly native?: string
  readonly kernel?: string
  readonly effectOfFailure?: string
}

/** What is known about a major function. */
export interface MajorFunctionFacts {
  readonly name: string
  readonly value: number
  readonly summary: string
  readonly sentBy: string
  readonly when: string
  readonly userModeCalls?: readonly IrpOrigin[]
  /** Member of IO_STACK_LOCATION.Parameters; absent when the request has none. */
  readonly parameters?: string
  /** Where the data lies: one sentence, or one by transfer method. */
  readonly buffers: string | Readonly<Record<string, string>>
  readonly irpFlags?: readonly string[]
  readonly completion: string
  readonly irql: string
  readonly notes?: readonly string[]
  readonly confidence: string
  readonly usualHandler?: string
  readonly abuse?: string
  readonly minorFunctions: readonly MinorFunctionFacts[]
}

/** Facts by major function code. */
export const MAJOR_FUNCTIONS: readonly MajorFunctionFacts[] = [
${majors.join('')}]

/** What answers a request for which the driver set no dispatch routine. */
export const DEFAULT_DISPATCH = ${literal(handler)} as const

/** What every dispatch routine has to do. */
export const DISPATCH_CONTRACT = ${literal(table.dispatchContract)} as const

/** Which requests follow from opening, using and closing a handle. */
export const IO_FLOW = ${literal(table.ioFlow)} as const
`
}
