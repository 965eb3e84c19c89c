/** What Learn says about the state of things. */
import type { LessonSummary } from '../../../../shared/contract/lessons'
import type { RunReport } from '../../../../shared/contract/model'

export type LessonState = 'passed' | 'begun' | 'open'

export function stateOf({ progress }: LessonSummary): LessonState {
  if (progress?.passedAt) return 'passed'
  return progress ? 'begun' : 'open'
}

export const STATE_WORDS: Record<LessonState, string> = {
  passed: 'passed',
  begun: 'begun',
  open: 'not begun',
}

/** A bad end that the start of a lesson is meant to have; null for an end that is none. */
export function exerciseWords(outcome: RunReport['outcome']): string | null {
  switch (outcome) {
    case 'ok':
      return null
    case 'bugcheck':
      return 'This crash is the exercise'
    case 'leak':
      return 'This leak is the exercise'
    case 'hang':
    case 'limit':
      return 'That it does not end is the exercise'
    default:
      return 'This failure is the exercise'
  }
}
