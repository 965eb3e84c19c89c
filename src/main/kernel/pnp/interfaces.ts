/**
 * Device interfaces: names under which programs find devices by what they can do. Registered, an
 * interface is a key of the registry; enabled, it is a symbolic link `\??\PATH#{GUID}` to the
 * physical device, and so to the top of its stack.
 */
import { GUID } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_OBJECT_NAME_EXISTS,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { LinkData } from '../ob/namespace'
import type { KObject } from '../ob/object'
import { upcase } from '../rtl/upcase'
import type { DevNode } from './devnode'

const CLASSES = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control'

interface DeviceInterface {
  /** `\??\TOY#Lamp#0000#{...}`, with the reference string behind it. */
  link: string
  guid: string
  reference: string
  node: DevNode
  enabled: boolean
}

/** `{4d36e97d-e325-11ce-bfc1-08002be10318}`. */
export function guidText(k: Kernel, at: Ptr): string {
  const { memory } = k
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
  const bytes: string[] = []
  for (let i = 0; i < 8; i++) bytes.push(hex(memory.u8(at + GUID.Data4 + i), 2))
  return (
    `{${hex(memory.u32(at + GUID.Data1), 8)}-${hex(memory.u16(at + GUID.Data2), 4)}-` +
    `${hex(memory.u16(at + GUID.Data3), 4)}-${bytes.slice(0, 2).join('')}-${bytes.slice(2).join('')}}`
  )
}

export class Interfaces {
  private readonly byLink = new Map<string, DeviceInterface>()

  constructor(private readonly k: Kernel) {}

  /**
   * IoRegisterDeviceInterface; a second time gives the same name.
   * @param text  UNICODE_STRING that gets the name in pool of the caller's
   */
  register(pdo: Ptr, guid: string, reference: string, text: Ptr): number {
    const { k } = this
    const node = k.pnp.byPdo(pdo)
    if (!node || reference.includes('\\')) return STATUS_INVALID_DEVICE_REQUEST
    const base = `\\??\\${node.path.replaceAll('\\', '#')}#${guid}`
    const link = reference === '' ? base : `${base}\\${reference}`
    const buffer = k.pool.allocate(link.length * 2 + 2, 'IoDi', { paged: true })
    if (!buffer) return STATUS_INSUFFICIENT_RESOURCES
    if (!this.byLink.has(upcase(link))) {
      this.byLink.set(upcase(link), { link, guid, reference, node, enabled: false })
      this.describe(guid, base, node)
    }
    k.memory.setText16(buffer, link + '\0')
    k.memory.setU16(text, link.length * 2)
    k.memory.setU16(text + 2, link.length * 2 + 2)
    k.memory.setPtr(text + 8, buffer)
    return STATUS_SUCCESS
  }

  /** `Control\DeviceClasses\{GUID}\##?#...`. */
  private describe(guid: string, base: string, node: DevNode): void {
    const { registry } = this.k
    let key = registry.key(CLASSES)
    for (const part of ['DeviceClasses', guid, `##?#${base.slice(4)}`])
      key = key?.subkey(part) ?? key?.add(part)
    if (key) registry.set(key, 'DeviceInstance', node.path)
  }

  /** IoSetDeviceInterfaceState. */
  setState(link: string, enable: boolean): number {
    const { k } = this
    const found = this.byLink.get(upcase(link))
    if (!found) return STATUS_OBJECT_NAME_NOT_FOUND
    if (found.enabled === enable)
      return enable ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND
    if (enable) {
      const target = k.devices.lookup(found.node.pdo)?.name
      if (!target) return STATUS_INVALID_DEVICE_REQUEST
      const suffix = found.reference === '' ? '' : `\\${found.reference}`
      const name = found.link.slice(0, found.link.length - suffix.length)
      // One link serves the device with every reference string; what follows it is part of the open.
      if (!k.ob.find(name, 'SymbolicLink')) {
        const status = k.ob.namespace.createSymbolicLink(name, target)
        if (status !== STATUS_SUCCESS) return status
        // It is the system's and not the driver's: nobody has to delete it.
        const made = k.ob.find(name, 'SymbolicLink') as KObject<LinkData> | undefined
        if (made) made.data.driver = null
      }
    }
    found.enabled = enable
    if (!enable) this.dropLink(found)
    if (k.tracing)
      k.emit({
        t: 'interface.changed',
        link: found.link,
        guid: found.guid,
        devnode: found.node.path,
        enabled: enable,
      })
    return STATUS_SUCCESS
  }

  /** Take the link away when no other interface of the device and class uses it. */
  private dropLink({ node, guid, link, reference }: DeviceInterface): void {
    const isUsed = [...this.byLink.values()].some(
      (each) => each.enabled && each.node === node && each.guid === guid,
    )
    if (isUsed) return
    this.k.ob.namespace.deleteSymbolicLink(
      reference === '' ? link : link.slice(0, -reference.length - 1),
    )
  }

  /** Interfaces of a class that programs can open now, as CM_Get_Device_Interface_List gives them. */
  list(guid: string): string[] {
    return [...this.byLink.values()]
      .filter((each) => each.enabled && upcase(each.guid) === upcase(guid))
      .map(({ link }) => `\\\\?\\${link.slice(4)}`)
  }

  /** The stack goes: what its driver left enabled is disabled. */
  disableAll(node: DevNode): void {
    for (const each of this.byLink.values())
      if (each.node === node && each.enabled) this.setState(each.link, false)
  }

  forget(node: DevNode): void {
    this.disableAll(node)
    for (const [key, each] of this.byLink) if (each.node === node) this.byLink.delete(key)
  }
}
