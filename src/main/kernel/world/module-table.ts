/** What a booted Windows has loaded beside the kernel, and the services that it comes from. */

/** SERVICE_xxx_DRIVER types and start types, as service keys have them. */
export const TYPE = { kernel: 1, fileSystem: 2, ownProcess: 0x10, shareProcess: 0x20 } as const
export const START = { boot: 0, system: 1, auto: 2, demand: 3 } as const

export interface SystemModule {
  /** Name of the image, which is also that of its service. */
  name: string
  file: string
  /** Absent for modules without a service. */
  service?: { type: number; start: number; displayName: string; group?: string }
}

const driver = (start: number, displayName: string, group?: string) => ({
  type: TYPE.kernel,
  start,
  displayName,
  ...(group === undefined ? {} : { group }),
})

/** In load order; the kernel itself is the first entry of the list. */
export const SYSTEM_MODULES: readonly SystemModule[] = [
  { name: 'hal', file: '\\SystemRoot\\system32\\hal.dll' },
  { name: 'kd', file: '\\SystemRoot\\system32\\kd.dll' },
  { name: 'CI', file: '\\SystemRoot\\system32\\CI.dll' },
  {
    name: 'fltmgr',
    file: '\\SystemRoot\\System32\\drivers\\fltmgr.sys',
    service: { type: TYPE.fileSystem, start: START.boot, displayName: 'FltMgr' },
  },
  {
    name: 'Ntfs',
    file: '\\SystemRoot\\System32\\drivers\\Ntfs.sys',
    service: { type: TYPE.fileSystem, start: START.boot, displayName: 'Ntfs' },
  },
  {
    name: 'ndis',
    file: '\\SystemRoot\\System32\\drivers\\ndis.sys',
    service: driver(START.boot, 'NDIS System Driver', 'NDIS Wrapper'),
  },
  { name: 'NETIO', file: '\\SystemRoot\\System32\\drivers\\NETIO.SYS' },
  {
    name: 'tcpip',
    file: '\\SystemRoot\\System32\\drivers\\tcpip.sys',
    service: driver(START.boot, 'TCP/IP Protocol Driver', 'PNP_TDI'),
  },
  {
    name: 'i8042prt',
    file: '\\SystemRoot\\System32\\drivers\\i8042prt.sys',
    service: driver(START.demand, 'PS/2 Keyboard and Mouse Port Driver', 'Keyboard Port'),
  },
  {
    name: 'kbdclass',
    file: '\\SystemRoot\\System32\\drivers\\kbdclass.sys',
    service: driver(START.demand, 'Keyboard Class Driver', 'Keyboard Class'),
  },
  {
    name: 'afd',
    file: '\\SystemRoot\\System32\\drivers\\afd.sys',
    service: driver(START.system, 'Ancillary Function Driver for Winsock', 'PNP_TDI'),
  },
  {
    name: 'guard',
    file: '\\SystemRoot\\System32\\drivers\\guard.sys',
    service: driver(START.boot, 'Guard Antivirus Mini-Filter', 'FSFilter Anti-Virus'),
  },
]

/** Services that are processes. */
export const SYSTEM_SERVICES: readonly {
  name: string
  image: string
  displayName: string
  type: number
  account: string
}[] = [
  {
    name: 'GuardSvc',
    image: '"C:\\Program Files\\Guard\\guard.exe"',
    displayName: 'Guard Antivirus Service',
    type: TYPE.ownProcess,
    account: 'LocalSystem',
  },
  {
    name: 'EventLog',
    image: '%SystemRoot%\\System32\\svchost.exe -k LocalServiceNetworkRestricted -p',
    displayName: 'Windows Event Log',
    type: TYPE.shareProcess,
    account: 'NT AUTHORITY\\LocalService',
  },
  {
    name: 'Schedule',
    image: '%systemroot%\\system32\\svchost.exe -k netsvcs -p',
    displayName: 'Task Scheduler',
    type: TYPE.shareProcess,
    account: 'LocalSystem',
  },
  {
    name: 'SamSs',
    image: '%SystemRoot%\\system32\\lsass.exe',
    displayName: 'Security Accounts Manager',
    type: TYPE.shareProcess,
    account: 'LocalSystem',
  },
]
