/** Files of the volume that a scenario gives. */
import type { Scenario } from '../../shared/contract/model'
import { bytesOf } from '../kernel/ps/steps'
import type { GivenFiles } from '../kernel/world/files'

export function givenFiles(scenario: Scenario): GivenFiles {
  return new Map(
    Object.entries(scenario.files ?? {}).map(([path, content]) => [
      path,
      'folder' in content ? null : bytesOf(content),
    ]),
  )
}
