/** The object manager's part: the namespace, symbolic links, handles. */
import type { MachineState } from '../../../../../shared/trace/fold'
import { plural } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { code, hex, said, type Field, type KindRows, type Row, type Target } from '../row'
import { rightsWords } from '../rights'
import { treeOf } from '../tree'

type ObjectState = MachineState['objects'][number]
type HandleState = MachineState['handles'][number]

const handleId = (handle: HandleState): string => `${handle.process}:${handle.handle}`

/** Handles of the kernel are negative numbers, sign-extended to 64 bits. */
const handleWords = (handle: number): string =>
  handle < 0 ? `0x${BigInt.asUintN(64, BigInt(handle)).toString(16).toUpperCase()}` : hex(handle)

/** Handles that are listed with their object; the rest is a number. */
const HANDLES_SHOWN = 20

const objects: KindRows = {
  count: (state) => state.objects.length,
  rows(state) {
    const named = state.objects.filter(({ name }) => name !== null)
    const unnamed = state.objects
      .filter(({ name }) => name === null)
      .sort((a, b) => (a.type + a.object < b.type + b.object ? -1 : 1))
    return [
      ...treeOf(named, ({ name }) => name!).map(({ item, path, name, depth, below }): Row => {
        if (item) return { ...objectRow(state, item, parentOf(path)), title: name, depth }
        return {
          id: path,
          title: name,
          about: plural(below, 'object'),
          depth,
          words: [`${path}\\`],
          fields: [
            said('Type', 'Directory'),
            code('Path', path),
            said('Objects', below),
            ...parentFields(state, parentOf(path)),
          ],
        }
      }),
      ...unnamed.map((object) => objectRow(state, object, null)),
    ]
  },
}

/** `\Device` of `\Device\Toy`; null at the root. */
function parentOf(path: string): string | null {
  const end = path.lastIndexOf('\\')
  return end > 0 ? path.slice(0, end) : null
}

function parentFields(state: MachineState, path: string | null): Field[] {
  if (path === null) return []
  const made = lookUp(state).objectsByName.get(path)
  return [code('In', path, { kind: 'objects', id: made?.object ?? path })]
}

function objectRow(state: MachineState, object: ObjectState, parent: string | null): Row {
  const handles = lookUp(state).handlesOf.get(object.object) ?? []
  const as = knownAs(state, object)
  return {
    id: object.object,
    title: object.name ?? object.object,
    about: object.type,
    words: [object.object, ...(object.name ? [object.name] : [])],
    fields: [
      said('Type', object.type),
      ...(object.name === null ? [] : [code('Path', object.name)]),
      code('Address', object.object),
      ...(as ? [code(object.type, object.name ?? object.object, as)] : []),
      ...parentFields(state, parent),
      ...handles.slice(0, HANDLES_SHOWN).map((handle) =>
        said('Handle', `${handleWords(handle.handle)} in ${processName(state, handle.process)}`, {
          kind: 'handles',
          id: handleId(handle),
        }),
      ),
      ...(handles.length > HANDLES_SHOWN ? [said('Handles', handles.length)] : []),
    ],
  }
}

/** The row of another kind that tells more about an object. */
function knownAs(state: MachineState, object: ObjectState): Target | null {
  const { devices, drivers } = lookUp(state)
  const { name } = object
  switch (object.type) {
    case 'Device':
      return devices.has(object.object) ? { kind: 'devices', id: object.object } : null
    case 'Driver': {
      const driver = name?.slice(name.lastIndexOf('\\') + 1) ?? ''
      return drivers.has(driver) ? { kind: 'drivers', id: driver } : null
    }
    case 'Section':
      return state.hardware.sections.some(({ section }) => section === object.object)
        ? { kind: 'sections', id: object.object }
        : null
    default:
      return null
  }
}

function processName(state: MachineState, id: number): string {
  return lookUp(state).processes.get(id)?.name ?? `process ${id}`
}

const links: KindRows = {
  count: (state) => state.links.length,
  rows: (state) =>
    state.links.map(({ link, target }) => {
      const device = lookUp(state).devicesByName.get(target)
      return {
        id: link,
        title: link,
        about: target,
        words: [link],
        fields: [
          code('Target', target, device ? { kind: 'devices', id: device.device } : null),
          ...state.interfaces
            .filter((item) => item.link === link)
            .map(({ guid }) => code('Device interface', guid, { kind: 'interfaces', id: link })),
        ],
      }
    }),
}

const handles: KindRows = {
  count: (state) => state.handles.length,
  rows: (state) =>
    state.handles.map((handle) => ({
      id: handleId(handle),
      title: handleWords(handle.handle),
      about: handle.name ?? `${handle.type} ${handle.object}`,
      words: [handle.object],
      fields: [
        lookUp(state).process('Process', handle.process),
        lookUp(state).object('Object', handle.object),
        said('Type', handle.type),
        ...(handle.access === null
          ? []
          : [code('Granted access', rightsWords(handle.access, handle.type))]),
      ],
    })),
}

export const objectKinds = { objects, links, handles }
