/** Interrupt request levels of an x64 processor. */

import {
  APC_LEVEL,
  CLOCK_LEVEL,
  CMCI_LEVEL,
  DISPATCH_LEVEL,
  HIGH_LEVEL,
  IPI_LEVEL,
  PASSIVE_LEVEL,
} from './generated/constants'

export { APC_LEVEL, CLOCK_LEVEL, CMCI_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL, IPI_LEVEL, PASSIVE_LEVEL }

/** An interrupt request level, PASSIVE_LEVEL (0) to HIGH_LEVEL (15). */
export type Irql = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15

/** Whether a number is a level at all. */
export function isIrql(value: number): value is Irql {
  return Number.isInteger(value) && value >= PASSIVE_LEVEL && value <= HIGH_LEVEL
}

/**
 * Name of a level. 3 to 12 belong to devices (`DIRQL 3`); CMCI_LEVEL lies among them and has its own name. Numbers that
 * are not a level come back as `IRQL 16`.
 */
export function irqlName(irql: number): string {
  switch (irql) {
    case PASSIVE_LEVEL:
      return 'PASSIVE_LEVEL'
    case APC_LEVEL:
      return 'APC_LEVEL'
    case DISPATCH_LEVEL:
      return 'DISPATCH_LEVEL'
    case CMCI_LEVEL:
      return 'CMCI_LEVEL'
    case CLOCK_LEVEL:
      return 'CLOCK_LEVEL'
    case IPI_LEVEL:
      return 'IPI_LEVEL'
    case HIGH_LEVEL:
      return 'HIGH_LEVEL'
    default:
      return isIrql(irql) ? `DIRQL ${irql}` : `IRQL ${irql}`
  }
}
