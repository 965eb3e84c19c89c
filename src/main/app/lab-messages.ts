/** What main and the lab's helper process say to each other. */
import type { z } from 'zod'
import type { labContract } from '../../shared/contract/lab'
import type { Handlers } from '../../shared/contract/table'
import type { Result } from '../../shared/errors'

/** The lab behind the contract: inputs are parsed already, answers are Results. */
export type LabHost = Handlers<typeof labContract>
export type LabCall = keyof LabHost
export type LabProgress = z.input<(typeof labContract)['lab.progress']['output']>

export interface ToHost {
  id: number
  name: LabCall
  input: unknown
}

export type FromHost =
  { kind: 'answer'; id: number; result: Result<unknown> } | { kind: 'progress'; value: LabProgress }
