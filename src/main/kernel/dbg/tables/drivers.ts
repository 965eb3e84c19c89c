/** Driver objects with where their routines lead, and device objects with their stacks. */
import { hex } from '../../../../shared/nt/format'
import { DEVICE_OBJECT, DRIVER_OBJECT } from '../../../../shared/nt/generated/offsets'
import { IRP_MJ_MAXIMUM_FUNCTION, majorName } from '../../../../shared/nt/irp-functions'
import type { Row } from '../../../../shared/memory/tables'
import type { Kernel } from '../../kernel'
import type { Image } from '../../loader/image'
import type { Ptr } from '../../mm/memory'
import { readDescriptor } from '../../se/descriptor'
import { PUBLIC_OPEN } from '../../se/monitor'
import { formatDacl } from '../../se/sddl'
import { codePlace, imageAt, isSystemImage } from './code-place'
import type { Reader } from './reader'

/** What every entry holds that a driver does not set. */
const DEFAULT_HANDLER = 'nt!IopInvalidDeviceRequest'

const ROUTINES = [
  ...Array.from({ length: IRP_MJ_MAXIMUM_FUNCTION + 1 }, (_, i) => ({
    routine: majorName(i),
    offset: DRIVER_OBJECT.MajorFunction + i * 8,
  })),
  { routine: 'DriverStartIo', offset: DRIVER_OBJECT.DriverStartIo },
  { routine: 'DriverUnload', offset: DRIVER_OBJECT.DriverUnload },
]

function* objectsOf(k: Kernel, type: 'Driver' | 'Device'): Generator<Ptr> {
  for (const object of k.ob.all()) if (object.type.name === type) yield object.address
}

/**
 * The routines of each driver object that are not the default handler. `isOwn`: the routine lies in
 * the driver's image, or in a module of the system, as that of a framework does.
 */
export function drivers(k: Kernel, reader: Reader): Row[] {
  const rows: Row[] = []
  for (const object of objectsOf(k, 'Driver')) {
    const name = reader.unicode(object + DRIVER_OBJECT.DriverName)
    for (const { routine, offset } of ROUTINES) {
      const address = reader.u64(object + offset)
      if (address === 0n) continue
      const place = codePlace(k, reader, address)
      if (place.symbol === DEFAULT_HANDLER) continue
      const image = imageAt(k, reader.placeOf(address))
      rows.push({
        driver: name,
        object: reader.addressText(object),
        routine,
        target: place.address,
        symbol: place.symbol,
        module: place.module,
        isOwn: isOwn(k, object, image),
      })
    }
  }
  return rows
}

/**
 * Whether a routine in this image is the driver's. The loader says which image that is: what the driver
 * object says of it, everybody can overwrite.
 */
function isOwn(k: Kernel, object: Ptr, image: Image | undefined): boolean {
  if (!image) return false
  return isSystemImage(image) || k.loader.imageOf(object) === image
}

/**
 * Device objects; `stack` names the devices from this one up, by name or address. `isOwn`: the driver
 * that the device names is the one that made it.
 */
export function devices(k: Kernel, reader: Reader): Row[] {
  const name = (device: Ptr): string => k.devices.nameOf(device) ?? reader.addressText(device)
  const rows: Row[] = []
  for (const device of objectsOf(k, 'Device')) {
    const driver = reader.ptr(device + DEVICE_OBJECT.DriverObject)
    const above = reader.chain(
      reader.ptr(device + DEVICE_OBJECT.AttachedDevice),
      DEVICE_OBJECT.AttachedDevice,
    )
    const data = k.devices.lookup(device)?.data
    const below = data?.attachedTo ?? 0
    rows.push({
      device: reader.addressText(device),
      name: k.devices.nameOf(device),
      driver: driver ? reader.unicode(driver + DRIVER_OBJECT.DriverName) : null,
      isOwn: driver === data?.driver,
      type: hex(reader.u32(device + DEVICE_OBJECT.DeviceType)),
      flags: hex(reader.u32(device + DEVICE_OBJECT.Flags)),
      characteristics: hex(reader.u32(device + DEVICE_OBJECT.Characteristics)),
      isSecured: reader.u64(device + DEVICE_OBJECT.SecurityDescriptor) !== 0n,
      dacl: daclOf(reader, device),
      attachedTo: below ? name(below) : null,
      stack: [...above].map(name),
    })
  }
  return rows
}

/** The device's list of permissions, that of everybody when it has none; null for bytes that are none. */
function daclOf(reader: Reader, device: Ptr): string | null {
  const field = device + DEVICE_OBJECT.SecurityDescriptor
  if (reader.u64(field) === 0n) return formatDacl(PUBLIC_OPEN)
  const found = readDescriptor(reader, reader.ptr(field))
  return typeof found === 'number' ? null : formatDacl(found)
}
