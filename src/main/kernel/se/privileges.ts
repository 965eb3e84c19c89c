/**
 * Privileges: their names and numbers, which ones a token holds, and which of them it has enabled from
 * the beginning. Holding one is not enough: most have to be enabled before they count.
 */

/** `SeDebugPrivilege` by LUID. */
export const PRIVILEGE_NAMES: ReadonlyMap<number, string> = new Map(
  [
    [2, 'CreateToken'],
    [3, 'AssignPrimaryToken'],
    [4, 'LockMemory'],
    [5, 'IncreaseQuota'],
    [6, 'MachineAccount'],
    [7, 'Tcb'],
    [8, 'Security'],
    [9, 'TakeOwnership'],
    [10, 'LoadDriver'],
    [11, 'SystemProfile'],
    [12, 'Systemtime'],
    [13, 'ProfileSingleProcess'],
    [14, 'IncreaseBasePriority'],
    [15, 'CreatePagefile'],
    [16, 'CreatePermanent'],
    [17, 'Backup'],
    [18, 'Restore'],
    [19, 'Shutdown'],
    [20, 'Debug'],
    [21, 'Audit'],
    [22, 'SystemEnvironment'],
    [23, 'ChangeNotify'],
    [24, 'RemoteShutdown'],
    [25, 'Undock'],
    [26, 'SyncAgent'],
    [27, 'EnableDelegation'],
    [28, 'ManageVolume'],
    [29, 'Impersonate'],
    [30, 'CreateGlobal'],
    [31, 'TrustedCredManAccess'],
    [32, 'Relabel'],
    [33, 'IncreaseWorkingSet'],
    [34, 'TimeZone'],
    [35, 'CreateSymbolicLink'],
    [36, 'DelegateSessionUserImpersonate'],
  ].map(([luid, name]) => [luid as number, `Se${name as string}Privilege`]),
)

const NUMBERS: ReadonlyMap<string, number> = new Map(
  [...PRIVILEGE_NAMES].map(([luid, name]) => [name.toLowerCase(), luid]),
)

/** LUID of a privilege by its name, whatever the case; undefined for a name that is none. */
export function privilegeNumber(name: string): number | undefined {
  return NUMBERS.get(name.toLowerCase())
}

/** A set of privileges as TOKEN.Privileges has it. */
const bits = (...luids: number[]): bigint =>
  luids.reduce((set, luid) => set | (1n << BigInt(luid)), 0n)

/** The names of a set. */
export function privilegeNames(set: bigint): string[] {
  return [...PRIVILEGE_NAMES].flatMap(([luid, name]) => ((set >> BigInt(luid)) & 1n ? [name] : []))
}

interface Privileges {
  present: bigint
  enabled: bigint
}

/** LocalSystem: all there are; those that touch other people's things start disabled. */
const SYSTEM: Privileges = {
  present: 0x1f_f2ff_ffbcn,
  enabled: bits(4, 7, 11, 13, 14, 15, 16, 20, 21, 23, 29, 30, 33, 34, 35, 36),
}

/** An administrator after elevation: only what everybody needs is enabled. */
const ADMINISTRATOR: Privileges = {
  present: bits(
    5,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    17,
    18,
    19,
    20,
    22,
    23,
    24,
    25,
    28,
    29,
    30,
    33,
    34,
    35,
    36,
  ),
  enabled: bits(23, 29, 30),
}

/** LocalService and NetworkService. */
const SERVICE: Privileges = {
  present: bits(3, 5, 21, 23, 29, 30, 33),
  enabled: bits(21, 23, 29, 30),
}

/** Everybody else: shutdown, change notify, undock, working set, time zone. */
const USER: Privileges = {
  present: bits(19, 23, 25, 33, 34),
  enabled: bits(23),
}

/** What a token begins with. */
export function privilegesOf(who: 'system' | 'administrator' | 'service' | 'user'): Privileges {
  return { system: SYSTEM, administrator: ADMINISTRATOR, service: SERVICE, user: USER }[who]
}
