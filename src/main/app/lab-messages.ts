/** What main and the lab's helper process say to each other. */
import type { z } from 'zod'
import type { rulesContract } from '../../shared/contract/detections'
import type { labContract } from '../../shared/contract/lab'
import type { Handlers } from '../../shared/contract/table'
import type { Result } from '../../shared/errors'

/** What the helper answers: the lab and its rules. Inputs are parsed already, answers are Results. */
export type LabHost = Handlers<typeof labContract & typeof rulesContract>
export type LabCall = keyof LabHost
export type LabProgress = z.input<(typeof labContract)['lab.progress']['output']>

export interface ToHost {
  id: number
  name: LabCall
  input: unknown
}

export type FromHost =
  { kind: 'answer'; id: number; result: Result<unknown> } | { kind: 'progress'; value: LabProgress }
