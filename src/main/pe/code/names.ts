/** Names of devices and links, and how the device is guarded, from calls that were seen and from strings. */
import type { DriverFacts, FileString, Image } from '../../../shared/driver-file/facts'
import { CONSTANTS } from '../../../shared/nt/constants'
import { SIGN } from '../image/signs'
import type { Findings, FoundDevice, FoundText } from './findings'
import { describeSddl } from './sddl'
import { textsWith } from './texts'

type Named = DriverFacts['deviceNames'][number]

const DEVICE = /^\\Device\\[^\\%\s]+$/i
const LINK = /^\\(DosDevices|\?\?|GLOBAL\?\?)\\(Global\\)?(?![A-Z]:)[^\\%\s]+$/i
const SDDL = /^(O:\w+)?(G:\w+)?D:[A-Z]*(\([^()]*;[^()]*\))+/

/** Devices of the system that drivers open: their names in a file are not the driver's own. */
const SYSTEM_DEVICES = new RegExp(
  `^\\\\Device\\\\(${[
    ...['PhysicalMemory', 'NamedPipe', 'Mailslot', 'Mup', 'LanmanRedirector', 'Null', 'Afd'],
    ...['Tcp6?', 'Udp6?', 'Ip', 'RawIp', 'Nsi', 'Http', 'Harddisk\\d*', 'HarddiskVolume\\d*'],
    ...['CdRom\\d*', 'Floppy\\d*', 'KeyboardClass\\d*', 'PointerClass\\d*', 'Video\\d*'],
    ...[
      'Serial\\d*',
      'Beep',
      'CNG',
      'KsecDD',
      'VolMgrControl',
      'MountPointManager',
      'WMIDataDevice',
    ],
  ].join('|')})$`,
  'i',
)
const SYSTEM_LINKS =
  /^\\(DosDevices|\?\?|GLOBAL\?\?)\\(Global\\)?(PhysicalDrive\d*|PhysicalMemory|UNC|PIPE|NUL|CON|[A-Z])$/i

/** Joins what calls gave with what strings say; each text once, in this order. */
function named(tracked: readonly FoundText[], strings: readonly FileString[]): Named[] {
  const found = new Map<string, Named>()
  for (const { text, offset } of [...tracked, ...strings]) {
    if (!found.has(text)) found.set(text, { text, offset })
  }
  return [...found.values()]
}

export function driverNames(
  { devices, links }: Findings,
  strings: readonly FileString[],
): Pick<DriverFacts, 'deviceNames' | 'symbolicLinks' | 'sddl'> {
  const texts = (list: readonly (FoundText | null)[]): FoundText[] =>
    list.filter((item): item is FoundText => item !== null)
  // Most texts lack these signs, or begin with something else: no expression need be tried on them.
  const paths = textsWith(strings, SIGN.backslash, '\\', 0)
  const descriptors = textsWith(strings, SIGN.colon, ':', 1)
  return {
    deviceNames: named(
      texts(devices.map(({ name }) => name)),
      paths.filter(({ text }) => DEVICE.test(text) && !SYSTEM_DEVICES.test(text)),
    ),
    symbolicLinks: named(
      links,
      paths.filter(({ text }) => LINK.test(text) && !SYSTEM_LINKS.test(text)),
    ),
    sddl: named(
      texts(devices.map(({ sddl }) => sddl)),
      descriptors.filter(({ text }) => SDDL.test(text)),
    ),
  }
}

/** How the device is guarded, in one sentence; null when no device is made. */
export function deviceSecurity(
  { devices }: Findings,
  sddl: readonly Named[],
  image: Image,
): string | null {
  const guarded = devices.find((device) => device.sddl !== null)
  if (guarded?.sddl) {
    return `${guarded.routine} with "${guarded.sddl.text}" (${describeSddl(guarded.sddl.text)}).`
  }
  const hint = sddl.at(0)
  const elsewhere = hint
    ? ` The file holds the descriptor "${hint.text}" (${describeSddl(hint.text)}); what uses it was not seen.`
    : ''
  const open = devices.find(({ routine }) => routine === 'IoCreateDevice')
  if (open) return ioCreateDevice(open) + elsewhere
  const other = devices.at(0)
  if (other) {
    return `${other.routine} without a security descriptor of its own that could be read.${elsewhere}`
  }
  const names = new Set(
    image.imports.flatMap(({ functions }) => functions.map(({ name }) => name ?? '')),
  )
  for (const routine of ['WdmlibIoCreateDeviceSecure', 'IoCreateDeviceSecure', 'IoCreateDevice']) {
    if (names.has(routine)) {
      return `${routine} is imported; the call was not seen, so its arguments are unknown.${elsewhere}`
    }
  }
  return null
}

function ioCreateDevice({ characteristics, name }: FoundDevice): string {
  const ending =
    'and no security descriptor of its own: the default of the device type applies unless an INF sets one.'
  if (characteristics === null)
    return `IoCreateDevice with characteristics not known here, ${ending}`
  const isSecure = (characteristics & CONSTANTS.FILE_DEVICE_SECURE_OPEN) !== 0
  if (isSecure) return `IoCreateDevice with FILE_DEVICE_SECURE_OPEN, ${ending}`
  const tail = name === null ? '' : ` Paths below ${name.text} are opened without a check.`
  return `IoCreateDevice without FILE_DEVICE_SECURE_OPEN, ${ending}${tail}`
}
