/**
 * Rules about a kernel that a driver has changed. Kernel Patch Protection finds it minutes later; the
 * verifier looks when the driver's code has just returned, so that the stop names who did it.
 */
import { integrityFindings, REGIONS_CHECKED, type RegionName } from '../../dbg/integrity'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import { atRoutine } from './note'

const LISTS: ReadonlySet<RegionName> = new Set(['processList', 'moduleList'])
/** What is looked at after each request: all but the code, which is long. */
const AFTER_REQUEST = REGIONS_CHECKED.filter((region) => region !== 'code')

/** DriverEntry or DriverUnload has returned. */
export function driverReturned(k: Kernel, routine: Ptr): void {
  look(k, routine, REGIONS_CHECKED)
}

/** A dispatch routine has returned that a program asked for something of its own. */
export function controlReturned(k: Kernel, routine: Ptr): void {
  look(k, routine, AFTER_REQUEST)
}

function look(k: Kernel, routine: Ptr, regions: readonly RegionName[]): void {
  if (!k.verifier.watching) return
  const [finding] = integrityFindings(k, regions)
  if (!finding) return
  const rule = LISTS.has(finding.region) ? 'VR-PATCH-DKOM' : 'VR-PATCH-CODE'
  const what = `${k.images.symbol(routine)} has returned. ${finding.what}`
  atRoutine(k, routine, () => {
    const first = {
      text: 'It was changed while this routine was at work.',
      at: k.thread.at,
      seq: 0,
    }
    k.verifier.check(rule, true, [0, 0, 0, finding.type], what, first)
  })
}
