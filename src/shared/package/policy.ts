/**
 * The loading policy of a machine: which Windows, which switches; and what it answers about a driver.
 * `main/package/policy` decides, the loader obeys, the trace and the Package pane tell.
 */
import { z } from 'zod'
import { Moment } from './signing'

export const WINDOWS_VERSIONS = ['7', '8.1', '10-1507', '10-1607', '11-22H2'] as const
export const WindowsVersion = z.enum(WINDOWS_VERSIONS)
export type WindowsVersion = z.infer<typeof WindowsVersion>

/** Names of the versions for people; all of them for x64. */
export const WINDOWS_NAMES: Record<WindowsVersion, string> = {
  '7': 'Windows 7',
  '8.1': 'Windows 8.1',
  '10-1507': 'Windows 10 1507',
  '10-1607': 'Windows 10 1607',
  '11-22H2': 'Windows 11 22H2',
}

/** `policy` of scenario.json. What is left out is as a new installation of that version has it. */
export const LoadPolicy = z.strictObject({
  windows: WindowsVersion,
  secureBoot: z.boolean().optional(),
  /** Memory integrity. */
  hvci: z.boolean().optional(),
  testSigning: z.boolean().optional(),
  /** The vulnerable driver block list: the Lab's own, `samples/block-list.xml`. */
  blockList: z.boolean().optional(),
  /** Brought to this version from an older one, rather than installed anew. */
  upgraded: z.boolean().optional(),
  /** Windows 7 with the update that reads SHA-256 signatures (KB3033929). */
  sha2Update: z.boolean().optional(),
  /** Ask where the root of a time stamp is known, which no Windows does for drivers. */
  knownStampsOnly: z.boolean().optional(),
  /** What the machine's clock says; `2024-07-01` when left out. */
  today: Moment.optional(),
})
export type LoadPolicy = z.infer<typeof LoadPolicy>

export const RULE_IDS = [
  'signed',
  'digest',
  'sha2',
  'root',
  'test-signing',
  'purpose',
  'validity',
  'stamp-root',
  'revocation',
  'portal',
  'block-list',
  'memory-integrity',
] as const
export const RuleId = z.enum(RULE_IDS)
export type RuleId = z.infer<typeof RuleId>

/** One rule that was asked, in the order of asking. */
export const RuleAnswer = z.object({
  rule: RuleId,
  /** What the rule wants to know. */
  asks: z.string(),
  passes: z.boolean(),
  /** One sentence with the values it rests on. */
  because: z.string(),
  data: z.record(z.string(), z.string()),
})
export type RuleAnswer = z.infer<typeof RuleAnswer>

export const Verdict = z.object({
  windows: WindowsVersion,
  /** The switches as they were, in words: `Secure Boot on, memory integrity off`. */
  machine: z.string(),
  accepted: z.boolean(),
  /** `0xC0000428`, or `0x00000000`. */
  status: z.string(),
  statusName: z.string(),
  /** The rule that refused; null when none did. */
  rule: RuleId.nullable(),
  /** What the last word rests on, in one sentence. */
  because: z.string(),
  /** Index of the signature that counted; null when there was none. */
  signature: z.number().int().nullable(),
  rules: z.array(RuleAnswer),
})
export type Verdict = z.infer<typeof Verdict>
