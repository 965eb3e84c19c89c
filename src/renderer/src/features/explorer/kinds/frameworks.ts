/** Driver frameworks: objects as the tree that they are, and the host processes of UMDF drivers. */
import { statusName } from '../../../../../shared/trace/words'
import type {
  FrameworkHostState,
  FrameworkObjectState,
} from '../../../../../shared/trace/fold-frameworks'
import { lookUp } from '../look-up'
import { atStep, code, said, type KindRows, type Target } from '../row'

/** What a driver knows an object of the framework by. */
const HANDLES: Readonly<Record<string, string>> = {
  driver: 'WDFDRIVER',
  device: 'WDFDEVICE',
  memory: 'WDFMEMORY',
  spinlock: 'WDFSPINLOCK',
  waitlock: 'WDFWAITLOCK',
  timer: 'WDFTIMER',
  dpc: 'WDFDPC',
  workitem: 'WDFWORKITEM',
  target: 'WDFIOTARGET',
}

/** The same address can be in use in more than one host process. */
const idOf = (object: string, host: number | null): string =>
  host === null ? object : `${object} in ${host}`

interface Placed {
  each: FrameworkObjectState
  depth: number
  children: FrameworkObjectState[]
  hasParent: boolean
}

/** Parents before their children; an object whose parent has no events of its own stands at the top. */
function placed(objects: readonly FrameworkObjectState[]): Placed[] {
  const known = new Set(objects.map(({ object, host }) => idOf(object, host)))
  const below = new Map<string, FrameworkObjectState[]>()
  const roots: FrameworkObjectState[] = []
  for (const each of objects) {
    const parent = each.parent === null ? null : idOf(each.parent, each.host)
    if (parent === null || !known.has(parent)) roots.push(each)
    else below.set(parent, [...(below.get(parent) ?? []), each])
  }
  const list: Placed[] = []
  const walk = (each: FrameworkObjectState, depth: number): void => {
    const children = below.get(idOf(each.object, each.host)) ?? []
    list.push({ each, depth, children, hasParent: depth > 0 })
    for (const child of children) walk(child, depth + 1)
  }
  for (const root of roots) walk(root, 0)
  return list
}

const targetOf = (object: string, host: number | null): Target => ({
  kind: 'frameworkObjects',
  id: idOf(object, host),
})

const nameOf = ({ kind }: FrameworkObjectState): string => HANDLES[kind] ?? kind

const frameworkObjects: KindRows = {
  count: ({ filtering }) => filtering.objects.length,
  rows: (state) =>
    placed(state.filtering.objects).map(({ each, depth, children, hasParent }) => ({
      id: idOf(each.object, each.host),
      title: `${nameOf(each)} ${each.object}`,
      about: [each.driver, ...(each.host === null ? [] : [`in process ${each.host}`])]
        .filter(Boolean)
        .join(', '),
      words: [each.object],
      depth,
      fields: [
        said('Kind', each.kind),
        ...(each.driver === null ? [] : [lookUp(state).driver('Driver', each.driver)]),
        ...(each.host === null ? [] : [lookUp(state).process('In', each.host)]),
        each.parent === null
          ? said('Parent', 'none')
          : code('Parent', each.parent, hasParent ? targetOf(each.parent, each.host) : null),
        ...children.map((child) =>
          code(
            'Goes with it',
            `${nameOf(child)} ${child.object}`,
            targetOf(child.object, child.host),
          ),
        ),
        atStep('Made at', each.seq),
      ],
    })),
}

function stateOf({ end, last }: FrameworkHostState): string {
  if (end === null) return last ? 'runs; its device failed' : 'runs'
  const how = end.expected ? 'ended with its device' : `ended: ${statusName(end.code)}`
  return last ? `${how}; its device failed` : how
}

const frameworkHosts: KindRows = {
  count: ({ filtering }) => filtering.hosts.length,
  rows: (state) =>
    state.filtering.hosts.map((each) => ({
      id: String(each.host),
      title: `WUDFHost.exe (${each.host}) for ${each.service}`,
      about: `${each.restart === 0 ? 'first host' : `restart ${each.restart}`}, ${stateOf(each)}`,
      words: [each.service],
      fields: [
        lookUp(state).process('Process', each.host),
        code('Driver', each.service),
        lookUp(state).device('Device', each.device),
        said('State', stateOf(each)),
        said('Messages', each.messages),
        ...each.irps.map((irp) => said('Has', `IRP ${irp}`, { kind: 'irps', id: String(irp) })),
        ...(each.end?.lost ?? []).map((irp) => said('Lost with it', `IRP ${irp}`)),
        atStep('Started at', each.seq),
        ...(each.end ? [atStep('Ended at', each.end.seq)] : []),
      ],
    })),
}

export const frameworkKinds = { frameworkObjects, frameworkHosts }
