/** Handles of the driver framework as parameters, and how it reads WDF_OBJECT_ATTRIBUTES. */
import { WDF_OBJECT_ATTRIBUTES } from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NO_ATTRIBUTES, type Attributes } from '../wdf/framework'
import { ddi, t } from './types'

const handle = (c: string) => ({ k: 'ptr', c, target: null }) as const

export const DRIVER = handle('WDFDRIVER')
export const DEVICE = handle('WDFDEVICE')
export const INIT = handle('PWDFDEVICE_INIT')
export const INIT_POINTER = handle('PWDFDEVICE_INIT *')
export const QUEUE = handle('WDFQUEUE')
export const REQUEST = handle('WDFREQUEST')
export const TARGET = handle('WDFIOTARGET')
export const MEMORY = handle('WDFMEMORY')
export const SPINLOCK = handle('WDFSPINLOCK')
export const WAITLOCK = handle('WDFWAITLOCK')
export const TIMER = handle('WDFTIMER')
export const DPC = handle('WDFDPC')
export const WORKITEM = handle('WDFWORKITEM')
export const OBJECT = handle('WDFOBJECT')
export const ATTRIBUTES = t.optional(t.ptr('WDF_OBJECT_ATTRIBUTES'))
export const STRING = t.ptr('UNICODE_STRING')
export const LENGTH_OUT = t.optional(t.out({ k: 'u64', c: 'SIZE_T' }))
export const BUFFER_OUT = t.out({ k: 'ptr', c: 'PVOID', target: null })

export function readAttributes(k: Kernel, at: Ptr): Attributes {
  if (!at) return NO_ATTRIBUTES
  const { memory } = k
  return {
    parent: memory.ptr(at + WDF_OBJECT_ATTRIBUTES.ParentObject),
    cleanup: memory.ptr(at + WDF_OBJECT_ATTRIBUTES.EvtCleanupCallback),
    destroy: memory.ptr(at + WDF_OBJECT_ATTRIBUTES.EvtDestroyCallback),
    contextBytes: memory.size(at + WDF_OBJECT_ATTRIBUTES.ContextSizeOverride),
  }
}

/** A function that the framework's headers define: it fills in a structure. */
export const filling = (
  struct: string,
  bytes: number,
  fill: (k: Kernel, at: Ptr, values: Record<string, number>) => void,
  more: Record<string, ReturnType<typeof t.enum> | ReturnType<typeof t.fn> | typeof t.ulong> = {},
) =>
  ddi({
    params: { Config: t.ptr(struct), ...more },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    traced: false,
    summary: `Clears a ${struct} and fills in its size and what is given.`,
    run(k, a) {
      const at = a.Config as Ptr
      k.memory.fill(at, bytes, 0)
      k.memory.setU32(at, bytes)
      fill(k, at, a as Record<string, number>)
    },
  })
