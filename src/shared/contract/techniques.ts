/** Techniques: those on disk, runs of one under defences, and the matrix of both. */
import { z } from 'zod'
import { DefenceName, DefenceNames } from '../defences'
import type { Alarm } from '../detections'
import type { TableDifference } from '../memory/difference'
import type { StatementResult } from '../statements'
import { TechniqueHeader, TechniqueSlug } from '../techniques/technique'
import { DefenceAlert, ProjectFiles, RunReport } from './model'
import { call } from './table'

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** A switch of a machine, for people. */
export const DefenceSummary = z.object({
  name: DefenceName,
  title: z.string(),
  /** What it does, in one sentence. */
  about: z.string(),
  /** What it notices or stops. */
  sees: z.string(),
  /** What goes past it. */
  misses: z.string(),
  /** Markdown, of a defence that is a driver; empty for the others. */
  text: z.string(),
})
export type DefenceSummary = z.infer<typeof DefenceSummary>

/** Front matter of `technique.md`, with goals as sentences, and its text. */
export const TechniqueSummary = TechniqueHeader.omit({ goal: true, twin: true }).extend({
  slug: TechniqueSlug,
  goal: z.array(z.string()),
  twin: z.object({ summary: z.string(), goal: z.array(z.string()) }),
  /** Markdown below the front matter. */
  text: z.string(),
})
export type TechniqueSummary = z.infer<typeof TechniqueSummary>

/** A technique or its twin, and what the machine defends itself by. */
const Which = z.object({
  slug: TechniqueSlug,
  twin: z.boolean().default(false),
  defences: DefenceNames.default([]),
})

/** What came of it, in few words; a bug check by its number. */
export const MatrixVerdict = z.object({
  verdict: z.enum(['works', 'reported', 'works, then stopped', 'stopped', 'fails', 'not loaded']),
  /** `0x109`, where the machine stopped. */
  stop: z.string().nullable(),
  /** What the defence said; the first ones. */
  alerts: z.array(z.string()),
})
export type MatrixVerdict = z.infer<typeof MatrixVerdict>

export const MatrixRow = z.object({
  slug: z.string(),
  title: z.string(),
  attack: z.array(z.string()),
  /** Digest of the technique's files and goals. */
  inputs: z.string(),
  /** In the order of the columns. */
  verdicts: z.array(MatrixVerdict),
  /** The honest counterpart under the same defences. */
  twin: z.array(MatrixVerdict),
  /** Rules that raise an alarm where nothing defends the machine. */
  seenBy: z.array(z.string()),
})
export type MatrixRow = z.infer<typeof MatrixRow>

export const Matrix = z.object({
  seed: z.number(),
  columns: z.array(z.object({ name: DefenceName, title: z.string(), about: z.string() })),
  rows: z.array(MatrixRow),
})
export type Matrix = z.infer<typeof Matrix>

export const TechniqueResult = z.object({
  runId: z.string(),
  report: RunReport,
  /** Every statement of the goal holds. */
  worked: z.boolean(),
  goal: z.array(z.custom<StatementResult>(isObject)),
  alarms: z.array(z.custom<Alarm>(isObject)),
  alerts: z.array(DefenceAlert),
  /** What the kernel shows: memory before the drivers were loaded and at the end. */
  difference: z.array(z.custom<TableDifference>(isObject)),
  /** As it ran, for opening it in the Lab. */
  files: ProjectFiles,
})
export type TechniqueResult = z.infer<typeof TechniqueResult>

export const techniquesContract = {
  /** Every technique by group and order. `problems` are lines about folders that are none. */
  'techniques.list': call(
    z.object({}),
    z.object({ techniques: z.array(TechniqueSummary), problems: z.array(z.string()) }),
  ),
  'techniques.defences': call(z.object({}), z.object({ defences: z.array(DefenceSummary) })),
  /** The folder as it would run: the twin in the place of driver.ts, the defences in scenario.json. */
  'techniques.files': call(Which, z.object({ files: ProjectFiles })),
  /**
   * Run it and put its goal and the rules to the run, which stays open under `runId` until
   * `lab.close`. `lab.stop` ends it early, `lab.progress` tells how far it is.
   */
  'techniques.run': call(
    Which.extend({ runId: z.string().max(64), seed: z.number().int().default(1) }),
    TechniqueResult,
  ),
  /** Open one of the technique's references outside of the app; no other address is opened. */
  'techniques.link': call(
    z.object({ slug: TechniqueSlug, url: z.string().max(500) }),
    z.object({}),
  ),
  /** The matrix as `npm run matrix` computed it; null when nobody did. */
  'techniques.matrix': call(z.object({}), z.object({ matrix: Matrix.nullable() })),
}
