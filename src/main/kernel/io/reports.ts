/** The list of requests in the report of a run, and the events that say how each ended. */
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
} from '../../../shared/nt/irp-functions'
import { hex32 } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'

/** One request as the report shows it. */
export interface RequestRecord {
  api: string
  major: number
  minor: number
  ioctl: number | null
  status: number
  information: number
}

/** The report keeps this many; `requestCount` has the number of all. */
const REQUESTS_KEPT = 2000

/** What user mode asked for and what came of it, for the report of a run. */
export class Reports {
  readonly requests: RequestRecord[] = []
  requestCount = 0

  constructor(private readonly k: Kernel) {}

  /** Report a request of user mode that failed before there was a packet. Gives its status back. */
  refuse(major: number, ioctl: number | null, status: number, userMode: boolean): number {
    if (userMode) this.record(major, 0, ioctl, status, 0, null)
    return status
  }

  /** Report something that was done to the machine from outside of any program. */
  recordStep(api: string, major: number, minor: number, status: number): void {
    this.record(major, minor, null, status, 0, null, api)
  }

  record(
    major: number,
    minor: number,
    ioctl: number | null,
    status: number,
    information: number,
    irp: number | null,
    api = API_BY_MAJOR[major] ?? 'I/O',
  ): void {
    const { k } = this
    k.scheduler.progress()
    const index = this.requestCount++
    if (this.requests.length < REQUESTS_KEPT)
      this.requests.push({ api, major, minor, ioctl, status, information })
    if (k.tracing)
      k.emit({
        t: 'request.finished',
        index,
        api,
        irp,
        major,
        minor,
        ioctl: ioctl === null ? null : hex32(ioctl),
        status: hex32(status),
        information,
      })
  }
}

const API_BY_MAJOR: Readonly<Record<number, string>> = {
  [IRP_MJ_CREATE]: 'CreateFile',
  [IRP_MJ_CLOSE]: 'CloseHandle',
  [IRP_MJ_CLEANUP]: 'CloseHandle',
  [IRP_MJ_READ]: 'ReadFile',
  [IRP_MJ_WRITE]: 'WriteFile',
  [IRP_MJ_DEVICE_CONTROL]: 'DeviceIoControl',
}
