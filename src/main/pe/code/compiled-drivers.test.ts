import { describe, expect, test } from 'vitest'

import expectedFile from '../../../../data/fixtures/code/expected.json'
import { readFixture } from './testing/read-fixture'

/** Written by hand from the C sources in scripts/fixtures/code/src; what is left out is not there. */
interface Expected {
  builds: string[]
  types: string[]
  ioctls?: string[]
  ioctlRanges?: { first: string; count: number; step: number }[]
  how?: string[]
  handlers?: number
  confidence?: string
  deviceNames?: string[]
  symbolicLinks?: string[]
  sddl?: string[]
  deviceSecurity?: string
  majorFunctions: number[]
  dispatchRoutines?: number
  hasUnload?: boolean
  hasAddDevice?: boolean
  hasEntryStub?: boolean
  privileged?: string[]
  resolvedRoutines?: string[]
}

const drivers = Object.entries<Expected>(expectedFile).flatMap(([name, expected]) =>
  expected.builds.map((build) => ({ file: `${name}-${build}.sys`, expected })),
)

function codesOf({ ioctls = [], ioctlRanges = [] }: Expected): string[] {
  const ranges = ioctlRanges.flatMap(({ first, count, step }) =>
    Array.from({ length: count }, (_, index) => {
      const code = (Number(first) + index * step).toString(16).toUpperCase()
      return `0x${code.padStart(8, '0')}`
    }),
  )
  return [...ioctls, ...ranges]
}

const texts = (list: readonly { text: string }[]): string[] => list.map(({ text }) => text)

describe.each(drivers)('$file', ({ file, expected }) => {
  const { driver, anomalies, image } = readFixture(`code/${file}`)

  test('its control codes are these and no others', () => {
    expect(driver.ioctls.map(({ code }) => code)).toEqual(codesOf(expected))
    const { how, handlers, confidence } = expected
    if (how)
      expect([...new Set(driver.ioctls.map((ioctl) => ioctl.how))].sort()).toEqual(how.sort())
    if (handlers !== undefined) {
      expect(new Set(driver.ioctls.map(({ handler }) => handler)).size).toBe(handlers)
    }
    if (confidence) {
      expect([...new Set(driver.ioctls.map((ioctl) => ioctl.confidence))]).toEqual([confidence])
    }
  })

  test('its kind, names and guard are told', () => {
    expect(driver.types.map(({ type }) => type)).toEqual(expected.types)
    expect(texts(driver.deviceNames)).toEqual(expected.deviceNames ?? [])
    expect(texts(driver.symbolicLinks)).toEqual(expected.symbolicLinks ?? [])
    expect(texts(driver.sddl)).toEqual(expected.sddl ?? [])
    expect(driver.deviceSecurity ?? '').toContain(expected.deviceSecurity ?? '')
    expect(driver.deviceSecurity === null).toBe(expected.deviceSecurity === undefined)
  })

  test('its entry, dispatch table and callbacks are found', () => {
    expect(driver.majorFunctions.map(({ index }) => index)).toEqual(expected.majorFunctions)
    const routines = new Set(driver.majorFunctions.map(({ handler }) => handler)).size
    if (expected.dispatchRoutines) expect(routines).toBe(expected.dispatchRoutines)
    expect(driver.driverUnload !== null).toBe(expected.hasUnload ?? false)
    expect(driver.addDevice !== null).toBe(expected.hasAddDevice ?? false)
    expect(driver.driverEntry !== image.entryPoint).toBe(expected.hasEntryStub ?? false)
  })

  test('privileged instructions and late lookups are these and no others', () => {
    const privileged = driver.privileged.map(({ instruction }) => instruction)
    expect(privileged.sort()).toEqual(expected.privileged ?? [])
    expect(driver.resolvedRoutines).toEqual(expected.resolvedRoutines ?? [])
  })

  test('all of its code is read', () => {
    expect(driver.code).toMatchObject({ isComplete: true, note: null })
    expect(driver.code.instructions).toBeGreaterThan(20)
    expect(anomalies).toEqual([])
  })
})
