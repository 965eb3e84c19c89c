/** Nothing that a driver calls, with whatever arguments, is a defect of the simulator. */
import { expect, test } from 'vitest'
import { hostileRun, ROUTINES_TO_CALL } from './testing/hostile-calls'

/** Longer searches: RING0_FUZZ_SECONDS=600 npm run unit -- hostile-calls. */
const seconds = Number(process.env['RING0_FUZZ_SECONDS'] ?? 0)

test(
  'every routine, first with anything, then among others',
  () => {
    const failures: string[] = []
    const end = Date.now() + seconds * 1000
    let seed = 0
    do {
      for (const name of ROUTINES_TO_CALL)
        try {
          hostileRun(++seed, 4, name)
        } catch (error) {
          failures.push(`${String(error)} ${String((error as Error).cause)}`)
        }
    } while (Date.now() < end)
    expect(failures).toEqual([])
  },
  600_000 + seconds * 1000,
)
