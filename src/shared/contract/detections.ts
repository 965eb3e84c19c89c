/** Detections: the rules on disk, and rules that are written, tried and given away in the window. */
import { z } from 'zod'
import type { Rule } from '../detections'
import { ProjectFiles } from './model'
import { call } from './table'

const RuleShape = z.custom<Rule>((value) => typeof value === 'object' && value !== null)
/** What the YAML of a rule may hold; the reader tells what is longer. */
const RuleText = z.string().max(2_000_000)

/** A mistake in a rule. Lines and columns start at 1. */
export const RuleMistake = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  message: z.string(),
  hint: z.string(),
})
export type RuleMistake = z.infer<typeof RuleMistake>

/** A test that a rule brings along, and what came of it. */
export const RuleTested = z.object({
  rule: z.string(),
  name: z.string(),
  raises: z.boolean(),
  /** Folder of samples/ that has to be run; null for events and rows, which were tried. */
  sample: z.string().nullable(),
  /** Why it failed; null when it holds, or was not tried. */
  failed: z.string().nullable(),
})
export type RuleTested = z.infer<typeof RuleTested>

/** What a YAML text holds. */
export const RulesRead = z.object({
  rules: z.array(z.object({ rule: RuleShape, file: z.string(), source: z.string() })),
  mistakes: z.array(RuleMistake),
  tests: z.array(RuleTested),
})
export type RulesRead = z.infer<typeof RulesRead>

/** Answered by the lab's helper process; `lab.detect` puts rules to a run. */
export const rulesContract = {
  /** Read rules and try those of their tests that need no run. */
  'rules.read': call(
    z.object({ files: z.array(z.object({ file: z.string(), text: RuleText })).max(2000) }),
    RulesRead,
  ),
  /** Rules as Sigma YAML, a document each, in the order of their ids. */
  'rules.export': call(
    z.object({ texts: z.array(RuleText).max(2000) }),
    z.object({ text: z.string(), rules: z.number() }),
  ),
  /** What a rule can name, for completion. */
  'rules.names': call(
    z.object({}),
    z.object({
      kinds: z.array(z.string()),
      columns: z.record(z.string(), z.array(z.string())),
    }),
  ),
}

export const detectionsContract = {
  /** Rules that ship, by the names of their files, and what a rule can be tried on. */
  'detections.list': call(
    z.object({}),
    z.object({
      files: z.array(z.object({ file: z.string(), text: z.string() })),
      /** Honest drivers of the shelf: none of them should raise an alarm. */
      benign: z.array(z.string()),
    }),
  ),
  /** A folder of samples/ as a driver folder: `drivers/hello`, `techniques/ssdt-hook`. */
  'detections.sample': call(
    z.object({ name: z.string().max(200) }),
    z.object({ files: ProjectFiles }),
  ),
}
