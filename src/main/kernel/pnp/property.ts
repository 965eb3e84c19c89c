/** What IoGetDeviceProperty knows of a device. */
import {
  DevicePropertyAddress,
  DevicePropertyAllocatedResources,
  DevicePropertyBootConfiguration,
  DevicePropertyClassGuid,
  DevicePropertyClassName,
  DevicePropertyCompatibleIDs,
  DevicePropertyDeviceDescription,
  DevicePropertyEnumeratorName,
  DevicePropertyHardwareID,
  DevicePropertyInstallState,
  DevicePropertyLocationInformation,
  DevicePropertyManufacturer,
  DevicePropertyPhysicalDeviceObjectName,
  DevicePropertyRemovalPolicy,
  DevicePropertyResourceRequirements,
  DevicePropertyUINumber,
} from '../../../shared/nt/generated/constants'
import { STATUS_OBJECT_NAME_NOT_FOUND } from '../../../shared/nt/generated/ntstatus'
import { utf16 } from '../cm/key'
import type { Kernel } from '../kernel'
import type { DevNode } from './devnode'
import { text } from './packages'
import { listBytes } from './resource-lists'

/** DEVICE_REMOVAL_POLICY. */
const RemovalPolicyExpectNoRemoval = 1
const RemovalPolicyExpectOrderlyRemoval = 2
const RemovalPolicyExpectSurpriseRemoval = 3
const REMOVABLE = 0x10
const SURPRISE_REMOVAL_OK = 0x200

/** Values of the Enum key, by property. */
const REGISTRY_TEXT: Readonly<Record<number, string>> = {
  [DevicePropertyDeviceDescription]: 'DeviceDesc',
  [DevicePropertyClassName]: 'Class',
  [DevicePropertyClassGuid]: 'ClassGUID',
  [DevicePropertyManufacturer]: 'Mfg',
  [DevicePropertyLocationInformation]: 'LocationInformation',
}

/**
 * Bytes of a property.
 * @returns a status when the device does not have it, undefined when there is no such property
 */
export function propertyOf(
  k: Kernel,
  node: DevNode,
  property: number,
): Uint8Array | number | undefined {
  const value = REGISTRY_TEXT[property]
  if (value !== undefined) return orMissing(text(k.pnp.packages.enumKey(node), value))
  switch (property) {
    case DevicePropertyHardwareID:
      return list(node.hardwareIds)
    case DevicePropertyCompatibleIDs:
      return list(node.compatibleIds)
    case DevicePropertyPhysicalDeviceObjectName:
      return orMissing(k.ob.lookup(node.pdo)?.name ?? null)
    case DevicePropertyEnumeratorName:
      return utf16(`${node.path.split('\\')[0]}\0`)
    case DevicePropertyAddress:
      return node.address === 0xffff_ffff ? STATUS_OBJECT_NAME_NOT_FOUND : number(node.address)
    case DevicePropertyUINumber:
      return node.uiNumber === 0xffff_ffff ? STATUS_OBJECT_NAME_NOT_FOUND : number(node.uiNumber)
    case DevicePropertyInstallState:
      return number(0)
    case DevicePropertyRemovalPolicy:
      return number(removalPolicy(node))
    case DevicePropertyBootConfiguration:
      return resources(k, node.bootResources)
    case DevicePropertyAllocatedResources:
      return resources(k, node.allocatedResources)
    case DevicePropertyResourceRequirements:
      return node.requirements
        ? k.memory.read(node.requirements, Math.min(k.memory.u32(node.requirements), 4096))
        : STATUS_OBJECT_NAME_NOT_FOUND
    default:
      return undefined
  }
}

function removalPolicy(node: DevNode): number {
  if (!(node.capabilities & REMOVABLE)) return RemovalPolicyExpectNoRemoval
  return node.capabilities & SURPRISE_REMOVAL_OK
    ? RemovalPolicyExpectSurpriseRemoval
    : RemovalPolicyExpectOrderlyRemoval
}

function orMissing(value: string | null): Uint8Array | number {
  return value === null ? STATUS_OBJECT_NAME_NOT_FOUND : utf16(`${value}\0`)
}

function list(values: readonly string[]): Uint8Array {
  return utf16(`${values.map((value) => `${value}\0`).join('')}\0`)
}

function number(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

function resources(k: Kernel, at: number): Uint8Array | number {
  return at ? listBytes(k, at) : STATUS_OBJECT_NAME_NOT_FOUND
}
