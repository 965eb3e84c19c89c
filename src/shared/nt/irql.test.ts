import { describe, expect, it } from 'vitest'
import { irqlName, isIrql } from './irql'

describe('irqlName', () => {
  it('names every level of an x64 processor', () => {
    const names = Array.from({ length: 16 }, (_, irql) => irqlName(irql))
    expect(names).toEqual([
      'PASSIVE_LEVEL',
      'APC_LEVEL',
      'DISPATCH_LEVEL',
      'DIRQL 3',
      'DIRQL 4',
      'CMCI_LEVEL',
      'DIRQL 6',
      'DIRQL 7',
      'DIRQL 8',
      'DIRQL 9',
      'DIRQL 10',
      'DIRQL 11',
      'DIRQL 12',
      'CLOCK_LEVEL',
      'IPI_LEVEL',
      'HIGH_LEVEL',
    ])
  })

  it('tells levels from other numbers', () => {
    expect([-1, 0, 15, 16, 1.5].map(isIrql)).toEqual([false, true, true, false, false])
    expect(irqlName(16)).toBe('IRQL 16')
  })
})
