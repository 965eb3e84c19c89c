/**
 * Data that the kernel exports: variables of its image, reached by name.
 *
 * A driver that imports one gets the variable, not its contents: in C `*IoFileObjectType`, and
 * `*(PEPROCESS *)PsInitialSystemProcess` behind the scenes of the header's declaration.
 */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

export interface DataExport {
  /** C type of the variable itself; what a driver imports is a pointer to it. */
  type: { k: 'ptr'; c: string; target: string }
  summary: string
  /** Where the variable lies. */
  address(k: Kernel): Ptr
}

const typeVariable = (name: string, what: string): DataExport => ({
  type: { k: 'ptr', c: 'POBJECT_TYPE', target: 'OBJECT_TYPE' },
  summary: `The object type of ${what}.`,
  address: (k) => k.ob.data.find(name),
})

export const DATA_EXPORTS: Readonly<Record<string, DataExport>> = {
  IoFileObjectType: typeVariable('IoFileObjectType', 'files and open devices'),
  IoDeviceObjectType: typeVariable('IoDeviceObjectType', 'devices'),
  IoDriverObjectType: typeVariable('IoDriverObjectType', 'drivers'),
  ExEventObjectType: typeVariable('ExEventObjectType', 'events'),
  ExSemaphoreObjectType: typeVariable('ExSemaphoreObjectType', 'semaphores'),
  ExTimerObjectType: typeVariable('ExTimerObjectType', 'timers'),
  PsProcessType: typeVariable('PsProcessType', 'processes'),
  PsThreadType: typeVariable('PsThreadType', 'threads'),
  SeTokenObjectType: typeVariable('SeTokenObjectType', 'access tokens'),
  CmKeyObjectType: typeVariable('CmKeyObjectType', 'registry keys'),
  PsInitialSystemProcess: {
    type: { k: 'ptr', c: 'PEPROCESS', target: 'EPROCESS' },
    summary: 'The System process. Its ActiveProcessLinks are a way to every process.',
    address: (k) => k.ob.data.find('PsInitialSystemProcess'),
  },
}
