/**
 * The form of a technique: the front matter of `technique.md` in a folder of `samples/techniques`.
 * docs/techniques.md tells authors about the same fields.
 */
import { z } from 'zod'
import type { ProjectFiles } from '../contract/model'
import { Statement } from '../statements'

/** Groups of techniques, in the order in which they are shown. */
export const GROUPS = [
  'Kernel tampering',
  'Vulnerable drivers',
  'Filters',
  'Callbacks',
  'Processes',
  'Network',
  'Hiding and channels',
] as const

/** Name of a technique's folder. */
export const TechniqueSlug = z
  .string()
  .max(60)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'a folder of a technique is named like-this')

const Sentences = z.string().min(20).max(800)

const Reference = z.strictObject({
  title: z.string().min(3).max(160),
  url: z.url({ protocol: /^https$/ }).max(500),
})

const Goal = z.array(Statement).min(1).max(20)

export const TechniqueHeader = z.strictObject({
  title: z.string().min(3).max(80),
  group: z.enum(GROUPS),
  /** Place in its group. */
  order: z.number().int().min(0).max(10_000),
  summary: Sentences,
  /** Ids of ATT&CK, most fitting first. */
  attack: z
    .array(z.string().regex(/^T\d{4}(\.\d{3})?$/, 'an id of ATT&CK: T1014, T1562.001'))
    .min(1)
    .max(8),
  references: z.array(Reference).min(2).max(12),
  /** What somebody at the machine sees. */
  sees: Sentences,
  /** What is true of a run in which the technique worked. */
  goal: Goal,
  /** `twin.ts` in the place of driver.ts: what an honest driver does by documented means. */
  twin: z.strictObject({ summary: Sentences, goal: Goal }),
  /** Rules of samples/detections that have to see it. */
  detections: z.array(z.string()).min(1).max(10),
})
export type TechniqueHeader = z.output<typeof TechniqueHeader>

export interface Technique extends TechniqueHeader {
  slug: string
  /** Markdown below the front matter. */
  text: string
  /** The folder without `technique.md`. */
  files: ProjectFiles
}
