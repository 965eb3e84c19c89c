import { expect, test } from 'vitest'
import type { ProjectFiles } from '../../shared/contract/model'
import { failEachAllocation } from './low-resources'
import { mutate, readFolder, readMutations } from './testing/mutations'

const request = (files: ProjectFiles) => ({
  files,
  seed: 1,
  verifier: ['standard'],
  trace: 'full' as const,
})

test('a correct driver handles the failure of each allocation', async () => {
  const result = await failEachAllocation(request(readFolder('mutations/drivers/memory')))
  expect(result).toMatchObject({ failed: null, isComplete: true })
  expect(result).toHaveProperty('tried', 2)
})

test('the first failure that is not handled is found, with its allocation and its place', async () => {
  const mistake = readMutations().find(({ id }) => id === 'null-not-checked')!
  const result = await failEachAllocation(request(mutate(mistake)))
  if ('problems' in result || !result.failed) throw new Error('nothing was found')
  expect(result.failed.allocation).toBe(1)
  expect(result.failed.report.bugcheck?.code).toBe('0x0000007E')
  expect(result.failed.report.report?.firstCause.at).toEqual(result.failed.at)
})

test('more allocations than are tried are not passed over in silence', async () => {
  const result = await failEachAllocation(request(readFolder('mutations/drivers/memory')), 1)
  expect(result).toMatchObject({ tried: 1, failed: null, isComplete: false })
})
