/** Devices, the links and interfaces under which they are found, and the drivers behind them. */
import type { MachineState } from '../../../../../shared/trace/fold'
import { deviceWords, majorName, statusName } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { byteWords, code, hex, said, type Field, type KindRows, type Row } from '../row'

const FLAGS: [number, string][] = [
  [0x4, 'DO_BUFFERED_IO'],
  [0x8, 'DO_EXCLUSIVE'],
  [0x10, 'DO_DIRECT_IO'],
  [0x40, 'DO_DEVICE_HAS_NAME'],
  [0x80, 'DO_DEVICE_INITIALIZING'],
  [0x2000, 'DO_POWER_PAGABLE'],
]

function flagWords(flags: number): string {
  let rest = flags
  const names = FLAGS.flatMap(([bit, name]) => {
    if (!(flags & bit)) return []
    rest &= ~bit
    return [name]
  })
  if (rest !== 0) names.push(hex(rest >>> 0))
  return names.join(' | ') || '0'
}

const devices: KindRows = {
  count: (state) => state.devices.length,
  rows(state) {
    const look = lookUp(state)
    return state.devices.map((device) => {
      const above = look.above.get(device.device)
      const node = look.devnodeOf(device)
      return {
        id: device.device,
        title: deviceWords(device.name, device.device),
        about: device.owner,
        words: [device.device, ...(device.name ? [device.name] : [])],
        fields: [
          look.driver('Driver', device.owner),
          ...(above ? [look.device('Attached above', above.device)] : []),
          ...(device.attachedTo === null ? [] : [look.device('Attached to', device.attachedTo)]),
          ...(node ? [code('In the device tree', node.id, node)] : []),
          said('Stack size', device.stackSize),
          code('Flags when created', flagWords(device.flags)),
          said('Extension', byteWords(device.extension)),
          ...state.links
            .filter((link) => link.target === device.name)
            .map(({ link }) => code('Link here', link, { kind: 'links', id: link })),
          ...state.irps
            .filter((irp) => irp.device === device.device && irp.phase !== 'finished')
            .map((irp) =>
              said('Packet', `IRP ${irp.irp} ${majorName(irp.major)}`, {
                kind: 'irps',
                id: String(irp.irp),
              }),
            ),
          code(
            'Address',
            device.device,
            look.objects.has(device.device) ? { kind: 'objects', id: device.device } : null,
          ),
        ],
      }
    })
  },
}

type DriverState = MachineState['drivers'][number]

const driverWords = (driver: DriverState, loading: string): string =>
  driver.loaded ? 'loaded' : driver.status === null ? loading : 'not loaded'

/** What the machine's policy said of a driver's image, where it has one. */
function policy({ verdicts }: MachineState, name: string): Field[] {
  const verdict = verdicts.findLast((item) => item.name === name)
  if (!verdict) return []
  const answer = verdict.accepted ? 'may load' : `refused by the rule "${verdict.rule}"`
  return [said('Policy', `${answer}: ${verdict.because}`)]
}

/** Drivers that the policy refused and that were never loaded: there is nothing of them but that. */
function refused(state: MachineState): MachineState['verdicts'] {
  const last = new Map(state.verdicts.map((verdict) => [verdict.name, verdict]))
  const { drivers } = lookUp(state)
  return [...last.values()].filter(({ name, accepted }) => !accepted && !drivers.has(name))
}

const drivers: KindRows = {
  count: (state) => lookUp(state).drivers.size + refused(state).length,
  rows: (state) => [
    ...loadedDrivers(state),
    ...refused(state).map((item) => refusedRow(state, item)),
  ],
}

const refusedRow = (state: MachineState, { name, status }: MachineState['verdicts'][number]) => ({
  id: name,
  title: `${name}.sys`,
  about: 'refused',
  words: [`${name}.sys`],
  fields: [code('Status', statusName(status)), ...policy(state, name)],
})

const loadedDrivers = (state: MachineState): Row[] =>
  [...lookUp(state).drivers.values()].map((driver) => ({
    id: driver.name,
    title: `\\Driver\\${driver.name}`,
    about: driverWords(driver, 'loading'),
    words: [`${driver.name}.sys`, `\\Driver\\${driver.name}`],
    fields: [
      said('State', driverWords(driver, 'DriverEntry is running')),
      driver.status === null
        ? said('DriverEntry', 'not returned yet')
        : code('DriverEntry', statusName(driver.status)),
      code('Image base', driver.base ?? 'unmapped'),
      ...policy(state, driver.name),
      ...state.devices
        .filter((device) => device.owner === driver.name)
        .map((device) => lookUp(state).device('Device', device.device)),
      ...state.executive.callbacks
        .filter((callback) => callback.driver === driver.name)
        .map((callback) =>
          code(`${callback.kind} callback`, callback.routine, {
            kind: 'callbacks',
            id: String(callback.id),
          }),
        ),
      ...state.hardware.interrupts
        .filter(({ routine }) => routine.startsWith(`${driver.name}!`))
        .map(({ interrupt, vector }) =>
          code('Interrupt', `vector ${hex(vector)}`, { kind: 'interrupts', id: interrupt }),
        ),
    ],
  }))

const interfaces: KindRows = {
  count: (state) => state.interfaces.length,
  rows: (state) =>
    state.interfaces.map(({ link, guid, devnode }) => ({
      id: link,
      title: link,
      about: devnode,
      words: [link],
      fields: [
        code('Class', guid),
        code(
          'Device',
          devnode,
          lookUp(state).devnodes.has(devnode) ? { kind: 'devnodes', id: devnode } : null,
        ),
      ],
    })),
}

export const deviceKinds = { devices, drivers, interfaces }
