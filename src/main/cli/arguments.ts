/** What was typed, as data. */
import { parseArgs } from 'node:util'
import { isVerifierName, VERIFIER_PRESETS } from '../kernel/verifier/verifier'

export interface RunArguments {
  command: 'run'
  folder: string
  seed: number
  json: boolean
  verifier: string[]
  trace: string | null
  /** File that is loaded in place of driver.ts. */
  driver: string | null
}

export interface CheckArguments {
  command: 'check'
  folder: string
  json: boolean
}

export type Arguments =
  RunArguments | CheckArguments | { command: 'ddi'; name: string } | { command: 'help' }

export const USAGE = `Usage:
  npm run ring0 -- run FOLDER [--seed N] [--json] [--verifier LIST] [--trace FILE]
                       [--driver FILE]
  npm run ring0 -- check FOLDER [--json]
  npm run ring0 -- ddi NAME

run     compile the driver folder, load it in the simulated kernel, run its client
        or scenario, unload it, and report
check   compile only
ddi     what a routine does: prototype, IRQL, support

--seed N         another interleaving of threads; the same seed gives the same run (default 1)
--verifier LIST  Driver Verifier: ${Object.keys(VERIFIER_PRESETS).join(', ')},
                 or rule ids (VR-...), separated by commas
--json           one JSON document instead of words (docs/cli.md)
--trace FILE     write the events as JSON lines
--driver FILE    load this file of the folder in place of driver.ts (fixed.ts)

Exit status: 0 ok, 1 compile error, load failure or bad arguments, 2 bug check,
3 verifier stop or leak, 4 hang or limit.
`

export function parseArguments(argv: string[]): Arguments | { problem: string } {
  let parsed
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        verifier: { type: 'string', default: '' },
        trace: { type: 'string' },
        driver: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals } = parsed
  const [command, target, ...rest] = positionals
  if (values.help || command === 'help') return { command: 'help' }
  if (command === undefined) return { problem: 'a command is missing' }
  if (command !== 'run' && command !== 'check' && command !== 'ddi')
    return { problem: `there is no command '${command}'` }
  if (target === undefined)
    return {
      problem: command === 'ddi' ? 'the name of a routine is missing' : 'the folder is missing',
    }
  if (rest.length) return { problem: `'${rest[0]}' is one argument too many` }
  if (command === 'ddi') return { command, name: target }
  if (command === 'check') return { command, folder: target, json: values.json }
  if (!/^-?\d{1,10}$/.test(values.seed))
    return { problem: `--seed wants a whole number, not '${values.seed}'` }
  const verifier = values.verifier.split(',').filter((name) => name !== '' && name !== 'none')
  const unknown = verifier.find((name) => !isVerifierName(name))
  if (unknown !== undefined) return { problem: `--verifier does not know '${unknown}'` }
  return {
    command,
    folder: target,
    seed: Number(values.seed),
    json: values.json,
    verifier,
    trace: values.trace ?? null,
    driver: values.driver ?? null,
  }
}
