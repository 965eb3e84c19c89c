/**
 * Which driver serves which device: driver packages (what INF files say) and the keys of the registry
 * in which the PnP manager finds the services of a device: `Enum\PATH` and `Control\Class\{GUID}`.
 * The keys are read anew for every device, so a driver that writes itself into UpperFilters gets in.
 */
import { REG_MULTI_SZ } from '../../../shared/nt/generated/constants'
import type { Key } from '../cm/key'
import type { PlainValue } from '../cm/registry'
import type { Kernel } from '../kernel'
import { upcase } from '../rtl/upcase'
import { isUmdf, REFLECTOR } from '../wdf/umdf'
import type { DevNode } from './devnode'

const CONTROL_SET = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001'

/** A driver package: what it serves and with which drivers. */
export interface DriverPackage {
  /** Hardware or compatible id: `TOY\Lamp`. */
  id: string
  /** Function driver. Without one the device has to be able to run raw. */
  service?: string | undefined
  lowerFilters?: readonly string[] | undefined
  upperFilters?: readonly string[] | undefined
  /** Name of the setup class; `System` by default. */
  class?: string | undefined
  /** Text for a device whose bus driver has none. */
  description?: string | undefined
  manufacturer?: string | undefined
}

/** Services of a device, from the bottom of the stack upwards. */
export interface StackPlan {
  lower: string[]
  service: string | null
  upper: string[]
}

const SYSTEM_CLASS = { name: 'System', guid: '{4d36e97d-e325-11ce-bfc1-08002be10318}' }

export class Packages {
  private readonly byId = new Map<string, DriverPackage>()

  constructor(private readonly k: Kernel) {}

  /** Make a package known; a second one for the same id takes the place of the first. */
  add(entry: DriverPackage): void {
    this.byId.set(upcase(entry.id), entry)
  }

  /** Services that some package names: they are loaded when a device needs them. */
  services(): Set<string> {
    const names = new Set<string>()
    for (const { service, lowerFilters = [], upperFilters = [] } of this.byId.values())
      for (const name of [...(service ? [service] : []), ...lowerFilters, ...upperFilters])
        names.add(name.toLowerCase())
    return names
  }

  /** The package that fits best: by hardware ids, the first one first, then by compatible ids. */
  private find(node: DevNode): DriverPackage | undefined {
    for (const id of [...node.hardwareIds, ...node.compatibleIds]) {
      const found = this.byId.get(upcase(id))
      if (found) return found
    }
    return undefined
  }

  /** Write the Enum key of a device; one that is new gets the driver of its package. */
  describe(node: DevNode): void {
    const key = this.enumKey(node, true)
    if (!key) return
    const isNew = !key.value('ClassGUID')
    const set = (name: string, value: PlainValue): void => this.k.registry.set(key, name, value)
    if (node.hardwareIds.length > 0) set('HardwareID', node.hardwareIds)
    if (node.compatibleIds.length > 0) set('CompatibleIDs', node.compatibleIds)
    if (node.location !== null) set('LocationInformation', node.location)
    set('Capabilities', node.capabilities)
    const found = this.find(node)
    const description = node.description ?? found?.description
    if (description !== undefined) set('DeviceDesc', description)
    if (!isNew || !found) return
    const { name, guid } = this.setupClass(found.class)
    set('ClassGUID', guid)
    set('Class', name)
    set('Mfg', found.manufacturer ?? 'Ring0 Lab')
    set('ConfigFlags', 0)
    if (found.service !== undefined) {
      // A UMDF driver is no service; the reflector is, and finds it by a value of its own.
      const inHost = isUmdf(this.k, found.service)
      set('Service', inHost ? REFLECTOR : found.service)
      if (inHost) set('UmdfService', found.service)
    }
    if (found.lowerFilters?.length) set('LowerFilters', found.lowerFilters)
    if (found.upperFilters?.length) set('UpperFilters', found.upperFilters)
  }

  /** Name and GUID of a setup class, whose key is made if it is missing. */
  private setupClass(name = SYSTEM_CLASS.name): { name: string; guid: string } {
    const guid = name === SYSTEM_CLASS.name ? SYSTEM_CLASS.guid : guidOf(name)
    const key = subkey(this.k.registry.key(`${CONTROL_SET}\\Control`), `Class\\${guid}`, true)
    if (key && !key.value('Class')) this.k.registry.set(key, 'Class', name)
    return { name, guid }
  }

  /** `Enum\TOY\Lamp\0000`. */
  enumKey(node: DevNode, make = false): Key | undefined {
    return subkey(this.k.registry.key(`${CONTROL_SET}\\Enum`), node.path, make)
  }

  /** What the keys say about the stack. */
  stackOf(node: DevNode): StackPlan {
    const key = this.enumKey(node)
    const guid = text(key, 'ClassGUID')
    const setupClass =
      guid === null
        ? undefined
        : subkey(this.k.registry.key(`${CONTROL_SET}\\Control`), `Class\\${guid}`, false)
    return {
      lower: [...list(key, 'LowerFilters'), ...list(setupClass, 'LowerFilters')],
      service: text(key, 'Service'),
      upper: [...list(key, 'UpperFilters'), ...list(setupClass, 'UpperFilters')],
    }
  }
}

function subkey(from: Key | undefined, path: string, make: boolean): Key | undefined {
  let key = from
  for (const part of path.split('\\'))
    key = key?.subkey(part) ?? (make ? key?.add(part) : undefined)
  return key
}

/** Text of a REG_SZ. */
export function text(key: Key | undefined, name: string): string | null {
  const value = key?.value(name)
  return value ? (strings(value.data)[0] ?? '') : null
}

function list(key: Key | undefined, name: string): string[] {
  const value = key?.value(name)
  if (!value) return []
  const found = strings(value.data)
  return value.type === REG_MULTI_SZ ? found : found.slice(0, 1)
}

/** Texts of UTF-16 bytes, up to the empty one. */
function strings(data: Uint8Array): string[] {
  let all = ''
  for (let i = 0; i + 1 < data.length; i += 2)
    all += String.fromCharCode(data[i]! | (data[i + 1]! << 8))
  const parts = all.split('\0')
  const end = parts.indexOf('')
  return end < 0 ? parts : parts.slice(0, end)
}

/** FNV-1a of a text, 32 bits. */
export function hashOf(value: string): number {
  let hash = 0x811c9dc5
  for (const char of value) hash = Math.imul(hash ^ char.charCodeAt(0), 0x0100_0193) >>> 0
  return hash
}

/** A GUID of its own for a class that the machine does not know. */
function guidOf(name: string): string {
  const hex = (salt: string): string =>
    hashOf(salt + upcase(name))
      .toString(16)
      .padStart(8, '0')
  const [a, b, c, d] = [hex('1'), hex('2'), hex('3'), hex('4')]
  return `{${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}}`
}
