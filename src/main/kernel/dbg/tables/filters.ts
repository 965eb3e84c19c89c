/** Who sits in the way of files and connections: minifilters, and what is in the filtering platform. */
import { hex } from '../../../../shared/nt/format'
import { majorName } from '../../../../shared/nt/irp-functions'
import type { Row } from '../../../../shared/memory/tables'
import { filterEngine } from '../../fwp/engine'
import { layerName } from '../../fwp/layers'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import { codePlace } from './code-place'
import type { Reader } from './reader'

/** Minifilters, the highest altitude first. */
export function minifilters(k: Kernel, reader: Reader): Row[] {
  return (k.io.filters?.all() ?? []).map((filter) => {
    const volumes = [...filter.instances].filter(([, instance]) => instance !== 0)
    return {
      filter: reader.addressText(filter.address),
      driver: k.devices.driverName(filter.driver),
      altitude: filter.altitude,
      isStarted: filter.started,
      operations: [...filter.callbacks.keys()].sort((a, b) => a - b).map(majorName),
      volumes: volumes.map(([device]) => k.devices.nameOf(device) ?? reader.addressText(device)),
    }
  })
}

/** Callouts and filters of the Windows Filtering Platform. */
export function wfp(k: Kernel, reader: Reader): Row[] {
  const engine = filterEngine(k)
  const at = (routine: Ptr): { symbol: string | null; module: string | null } => {
    const { symbol, module } = codePlace(k, reader, k.memory.address(routine))
    return { symbol, module }
  }
  const layerOf = (key: string): string | null => {
    const layer = engine.layerOf(key)
    return layer === null ? null : layerName(layer)
  }
  const callouts = engine.contents.callouts.map(({ key, id, classify }) => ({
    kind: 'callout',
    key,
    id: hex(id),
    layer: layerOf(key),
    action: null,
    callout: null,
    ...at(classify),
  }))
  const filters = engine.contents.filters.map(({ id, layer, action, callout, sublayer }) => ({
    kind: 'filter',
    key: sublayer,
    id: hex(id),
    layer: layerName(layer),
    action: hex(action),
    callout,
    ...at(callout === null ? 0 : (engine.calloutByKey(callout)?.classify ?? 0)),
  }))
  return [...callouts, ...filters]
}
