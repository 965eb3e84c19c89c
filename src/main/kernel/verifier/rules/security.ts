/** Rules about trust: system services called with what user mode handed over, and who may ask for what. */
import {
  IO_STACK_LOCATION,
  IRP,
  OBJECT_ATTRIBUTES,
  UNICODE_STRING,
} from '../../../../shared/nt/generated/offsets'
import { IRP_MJ_DEVICE_CONTROL } from '../../../../shared/nt/irp-functions'
import { hex32 } from '../../../../shared/nt/format'
import type { Out, ParamType } from '../../ddi/types'
import { specialApcDisable } from '../../ke/apc'
import { PASSIVE_LEVEL } from '../../ke/irql'
import type { CodeFrame } from '../../ke/thread'
import type { Kernel } from '../../kernel'
import { PTE } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import { routineTouches, touchesMemory } from './user-memory'

/** Routines that hand power over the machine to whoever gets through to them. */
const DANGEROUS: ReadonlySet<string> = new Set([
  'MmMapIoSpace',
  'MmCopyMemory',
  'MmCopyVirtualMemory',
  'ZwTerminateProcess',
  'ZwOpenProcess',
  'ZwLoadDriver',
  'ZwProtectVirtualMemory',
  'ZwAllocateVirtualMemory',
  'ZwMapViewOfSection',
  'PsLookupProcessByProcessId',
  'PsSuspendProcess',
  'KeStackAttachProcess',
  'ObOpenObjectByPointer',
  '__writemsr',
  '__readmsr',
  '__writecr0',
  'WRITE_PORT_UCHAR',
  'READ_PORT_UCHAR',
  'HalSetBusDataByOffset',
])

/** Whether `routineCalled` has something to say about a routine. */
export function isWatchedRoutine(name: string): boolean {
  return name.startsWith('Zw') || DANGEROUS.has(name) || touchesMemory(name)
}

/** A driver is about to call one of them. */
export function routineCalled(
  k: Kernel,
  name: string,
  params: readonly (readonly [name: string, type: ParamType])[],
  values: Record<string, unknown>,
): void {
  if (k.driverOf(k.thread) === undefined) return
  if (name.startsWith('Zw')) {
    checkZwLevel(k, name)
    for (const [parameter, type] of params)
      checkPointer(k, name, parameter, type, values[parameter])
  }
  if (DANGEROUS.has(name)) checkAccess(k, name)
  if (touchesMemory(name)) routineTouches(k, name, values)
}

function checkZwLevel(k: Kernel, name: string): void {
  const { level } = k.irql
  const special = specialApcDisable(k, k.thread)
  k.verifier.check(
    'VR-IRQL-ZW',
    level > PASSIVE_LEVEL || special !== 0,
    [0xe6, k.images.nearestCode(k.thread), level, BigInt.asUintN(64, BigInt(special))],
    level > PASSIVE_LEVEL
      ? `${name} was called at IRQL ${level}; system services belong to PASSIVE_LEVEL.`
      : `${name} was called in a guarded region: special kernel APCs are off.`,
  )
}

function checkPointer(
  k: Kernel,
  name: string,
  parameter: string,
  type: ParamType,
  value: unknown,
): void {
  const { memory } = k
  const at: Ptr =
    type.k === 'ptr' ? (value as Ptr) : type.k === 'out' ? (value as Out<never>).target : 0
  if (at <= 0) return
  const inner = type.k === 'ptr' && !memory.isUser(at) ? innerPointer(k, type.target, at) : 0
  const found = memory.isUser(at) ? at : inner && memory.isUser(inner) ? inner : 0
  k.verifier.check(
    'VR-SEC-ZW-USERPTR',
    found !== 0,
    [0xe3, k.images.nearestCode(k.thread), memory.address(found), 0],
    `${name} got an address of user space as ${parameter}; called from kernel mode, it does not check it.`,
  )
}

/** What a structure that is handed over points at. */
function innerPointer(k: Kernel, target: string | null, at: Ptr): Ptr {
  const { memory } = k
  const isThere = (bytes: number): boolean =>
    (memory.pte(at) & PTE.read) !== 0 && (memory.pte(at + bytes - 1) & PTE.read) !== 0
  if (target === 'UNICODE_STRING' && isThere(UNICODE_STRING.SIZE))
    return memory.ptr(at + UNICODE_STRING.Buffer)
  if (target === 'OBJECT_ATTRIBUTES' && isThere(OBJECT_ATTRIBUTES.SIZE))
    return memory.ptr(at + OBJECT_ATTRIBUTES.ObjectName)
  return 0
}

/** The control code whose dispatch routine is at work, when a program sent it. */
function controlCode(k: Kernel): number | null {
  const frame = k.thread.frames.find(
    (item): item is CodeFrame => item.kind === 'code' && item.routine === 'DRIVER_DISPATCH',
  )
  const irp = frame?.args[1] ?? 0
  const info = k.irps.info(irp)
  if (!info || info.by === 'driver' || info.major !== IRP_MJ_DEVICE_CONTROL) return null
  const top = irp + IRP.SIZE + (info.stackCount - 1) * IO_STACK_LOCATION.SIZE
  return k.memory.u32(top + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'])
}

function checkAccess(k: Kernel, name: string): void {
  if (!k.verifier.isActive('VR-SEC-ACCESS')) return
  const code = controlCode(k)
  k.verifier.warn(
    'VR-SEC-ACCESS',
    code !== null && ((code >>> 14) & 3) === 0,
    `The control code ${hex32(code ?? 0)} is open to everybody who can open the device (FILE_ANY_ACCESS), and it leads to ${name}.`,
  )
}
