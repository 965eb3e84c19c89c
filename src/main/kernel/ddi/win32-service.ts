/**
 * Win32 services, as far as drivers need them: start, stop, ask. What a program asks of the service
 * control manager another process does, so none of it needs a privilege of the program's own; the
 * manager looks at who asks when it opens.
 */
import {
  SC_MANAGER_CONNECT,
  SC_MANAGER_ENUMERATE_SERVICE,
  SERVICE_CONTROL_INTERROGATE,
  SERVICE_CONTROL_STOP,
  SERVICE_KERNEL_DRIVER,
  SERVICE_QUERY_CONFIG,
  SERVICE_QUERY_STATUS,
  SERVICE_RUNNING,
  SERVICE_START,
  SERVICE_STOP,
  SERVICE_STOPPED,
  SERVICE_STOP_PENDING,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_IMAGE_ALREADY_LOADED,
  STATUS_INVALID_DEVICE_REQUEST,
} from '../../../shared/nt/generated/ntstatus'
import { SERVICE_STATUS } from '../../../shared/nt/generated/offsets'
import {
  ERROR_ACCESS_DENIED,
  ERROR_INVALID_HANDLE,
} from '../../../shared/nt/generated/win32-errors'
import { win32FromStatus } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { onSystemThread } from '../ps/nt-process'
import type { Process } from '../ps/process'
import { enterWin32, FALSE, setLastError, TRUE, userAccess, w } from './win32-base'
import { ddi, t } from './types'

const ERROR_INVALID_SERVICE_CONTROL = 1052
const ERROR_SERVICE_ALREADY_RUNNING = 1056
const ERROR_SERVICE_DOES_NOT_EXIST = 1060
const ERROR_SERVICE_NOT_ACTIVE = 1062
const SERVICES = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\'
/** What anybody may do with the manager and with services. */
const ANYBODY =
  SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE | SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS
const SERVICE_ACCEPT_STOP = 1

const SC_HANDLE = { k: 'handle', c: 'SC_HANDLE' } as const
const STATUS_POINTER = { k: 'ptr', c: 'LPSERVICE_STATUS', target: 'SERVICE_STATUS' } as const

interface OpenService {
  /** Service name; null for the manager itself. */
  name: string | null
  access: number
}

/** Handles that the manager gave a process: no handles of the kernel. */
class ServiceHandles {
  private readonly open = new Map<number, OpenService>()
  private next = 0x2_0010

  add(entry: OpenService): number {
    const handle = this.next
    this.next += 0x10
    this.open.set(handle, entry)
    return handle
  }
  get(handle: number): OpenService | undefined {
    return this.open.get(handle)
  }
  remove(handle: number): boolean {
    return this.open.delete(handle)
  }
}

const handlesOf = new WeakMap<Process, ServiceHandles>()

function handles(k: Kernel): ServiceHandles {
  const { process } = k.thread
  let found = handlesOf.get(process)
  if (!found) handlesOf.set(process, (found = new ServiceHandles()))
  return found
}

function failed(k: Kernel, error: number): typeof FALSE {
  setLastError(k, error)
  return FALSE
}

/** Whether the caller may have the rights; the last error is set when not. */
function isAllowed(k: Kernel, access: number): boolean {
  const all = access & ~ANYBODY
  return all === 0 || k.processes.tokenOf(k.thread.process).elevated
}

/** Name of the service behind a handle with a right, or the error. */
function serviceOf(k: Kernel, handle: number, access: number): string | number {
  const entry = handles(k).get(handle)
  if (!entry || entry.name === null) return ERROR_INVALID_HANDLE
  return (entry.access & access) === access ? entry.name : ERROR_ACCESS_DENIED
}

/** Whether a service runs since the boot of a Windows around the drivers. Such a one cannot be stopped. */
function isOfSystem(k: Kernel, name: string): boolean {
  return k.world?.services.has(name.toLowerCase()) ?? false
}

/** Type of a service, as its key says. */
function typeOf(k: Kernel, name: string): number {
  const data = k.registry.key(SERVICES + name)?.value('Type')?.data
  return data?.length === 4
    ? new DataView(data.buffer, data.byteOffset).getUint32(0, true)
    : SERVICE_KERNEL_DRIVER
}

function writeStatus(k: Kernel, at: Ptr, name: string): void {
  const { memory, loader } = k
  userAccess(k, at, SERVICE_STATUS.SIZE, 'write')
  const driver = loader.byName(name)
  const ofSystem = isOfSystem(k, name)
  const state = ofSystem
    ? SERVICE_RUNNING
    : !driver
      ? SERVICE_STOPPED
      : driver.unloading
        ? SERVICE_STOP_PENDING
        : SERVICE_RUNNING
  memory.fill(at, SERVICE_STATUS.SIZE, 0)
  memory.setU32(at + SERVICE_STATUS.dwServiceType, typeOf(k, name))
  memory.setU32(at + SERVICE_STATUS.dwCurrentState, state)
  memory.setU32(
    at + SERVICE_STATUS.dwControlsAccepted,
    state === SERVICE_RUNNING && !ofSystem ? SERVICE_ACCEPT_STOP : 0,
  )
}

export const WIN32_SERVICE_DDIS = {
  OpenSCManager: ddi({
    params: {
      lpMachineName: t.optional(w.wstr),
      lpDatabaseName: t.optional(w.wstr),
      dwDesiredAccess: w.dword,
    },
    returns: SC_HANDLE,
    module: 'win32',
    summary: 'Opens the service control manager; NULL when it fails.',
    docs: 'winsvc/nf-winsvc-openscmanagerw',
    run(k, a) {
      if (k.tracing) enterWin32(k, 'OpenSCManagerW', '', 'ADVAPI32')
      if (!isAllowed(k, a.dwDesiredAccess)) return failed(k, ERROR_ACCESS_DENIED)
      return handles(k).add({ name: null, access: a.dwDesiredAccess })
    },
  }),

  OpenService: ddi({
    params: { hSCManager: SC_HANDLE, lpServiceName: w.wstr, dwDesiredAccess: w.dword },
    returns: SC_HANDLE,
    module: 'win32',
    summary: 'Opens a service by its name; NULL when it fails.',
    docs: 'winsvc/nf-winsvc-openservicew',
    run(k, a) {
      if (k.tracing) enterWin32(k, 'OpenServiceW', a.lpServiceName ?? '', 'ADVAPI32')
      if (handles(k).get(a.hSCManager)?.name !== null) return failed(k, ERROR_INVALID_HANDLE)
      const name = a.lpServiceName ?? ''
      if (name === '' || k.registry.key(SERVICES + name) === undefined)
        return failed(k, ERROR_SERVICE_DOES_NOT_EXIST)
      if (!isAllowed(k, a.dwDesiredAccess)) return failed(k, ERROR_ACCESS_DENIED)
      return handles(k).add({ name, access: a.dwDesiredAccess })
    },
  }),

  StartService: ddi({
    params: {
      hService: SC_HANDLE,
      dwNumServiceArgs: w.dword,
      lpServiceArgVectors: t.optional(w.pvoid),
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Starts a service: loads its driver.',
    docs: 'winsvc/nf-winsvc-startservicew',
    *run(k, a) {
      const name = serviceOf(k, a.hService, SERVICE_START)
      if (typeof name === 'number') return failed(k, name)
      if (k.tracing) enterWin32(k, 'StartServiceW', name, 'ADVAPI32')
      if (isOfSystem(k, name)) return failed(k, ERROR_SERVICE_ALREADY_RUNNING)
      const status = yield* onSystemThread(k, k.loader.load(name))
      if ((status | 0) >= 0) return TRUE
      return failed(
        k,
        status === STATUS_IMAGE_ALREADY_LOADED
          ? ERROR_SERVICE_ALREADY_RUNNING
          : win32FromStatus(status),
      )
    },
  }),

  ControlService: ddi({
    params: { hService: SC_HANDLE, dwControl: w.dword, lpServiceStatus: STATUS_POINTER },
    returns: w.bool,
    module: 'win32',
    support: 'partial',
    note: 'SERVICE_CONTROL_STOP and SERVICE_CONTROL_INTERROGATE only, which is all that drivers know.',
    summary: 'Sends a control to a service; SERVICE_CONTROL_STOP unloads its driver.',
    docs: 'winsvc/nf-winsvc-controlservice',
    *run(k, a) {
      const stop = a.dwControl === SERVICE_CONTROL_STOP
      const name = serviceOf(k, a.hService, stop ? SERVICE_STOP : 0)
      if (typeof name === 'number') return failed(k, name)
      if (k.tracing) enterWin32(k, 'ControlService', name, 'ADVAPI32')
      if (!stop && a.dwControl !== SERVICE_CONTROL_INTERROGATE)
        return failed(k, ERROR_INVALID_SERVICE_CONTROL)
      if (stop && isOfSystem(k, name)) return failed(k, ERROR_INVALID_SERVICE_CONTROL)
      if (!isOfSystem(k, name) && !k.loader.byName(name)) return failed(k, ERROR_SERVICE_NOT_ACTIVE)
      if (stop) {
        const status = yield* onSystemThread(k, k.loader.unload(name))
        if (status === STATUS_INVALID_DEVICE_REQUEST)
          return failed(k, ERROR_INVALID_SERVICE_CONTROL)
      }
      writeStatus(k, a.lpServiceStatus, name)
      return TRUE
    },
  }),

  QueryServiceStatus: ddi({
    params: { hService: SC_HANDLE, lpServiceStatus: STATUS_POINTER },
    returns: w.bool,
    module: 'win32',
    summary: 'Tells whether a service runs.',
    docs: 'winsvc/nf-winsvc-queryservicestatus',
    run(k, a) {
      const name = serviceOf(k, a.hService, SERVICE_QUERY_STATUS)
      if (typeof name === 'number') return failed(k, name)
      writeStatus(k, a.lpServiceStatus, name)
      return TRUE
    },
  }),

  CloseServiceHandle: ddi({
    params: { hSCObject: SC_HANDLE },
    returns: w.bool,
    module: 'win32',
    summary: 'Closes a handle of the service control manager.',
    docs: 'winsvc/nf-winsvc-closeservicehandle',
    run: (k, a) => (handles(k).remove(a.hSCObject) ? TRUE : failed(k, ERROR_INVALID_HANDLE)),
  }),
}
