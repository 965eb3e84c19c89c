/**
 * The processes that a booted Windows has before anybody logs a program on: who started them, whom
 * they run as, what protects them. The ids are the same in every run.
 */

/** Signers of a protected process (PS_PROTECTED_SIGNER). */
export const SIGNER = { antimalware: 3, lsa: 4, winTcb: 6 } as const
/** PS_PROTECTION of a protected process light: type 1, the signer above it. */
const light = (signer: number): number => (signer << 4) | 1
/** Of an antivirus that Windows protects. */
export const PROTECTION_ANTIMALWARE = light(SIGNER.antimalware)

export interface SystemProcess {
  id: number
  name: string
  /** Where its image lies on the system volume. */
  path: string
  /** Id of the process that started it. Windows' session leaders end after their work; here smss.exe stays their parent. */
  parent: number
  session: 0 | 1
  /** Account; SYSTEM by default. */
  user?: string
  /** EPROCESS.Protection; 0 by default. */
  protection?: number
  /** EPROCESS.Flags.BreakOnTermination: the machine stops when it ends. */
  critical?: boolean
}

const SYSTEM_ID = 4
const SMSS = 1540
const WININIT = 1688
const WINLOGON = 1764
const SERVICES = 1808
const SYSTEM32 = '\\Windows\\System32\\'

/** The account that sits at the machine. */
export const LOGGED_ON_USER = 'student'
/** Ids that others need: whom keys go to, and who starts programs. */
export const CSRSS_ID = 1700
export const EXPLORER_ID = 3644

/** In the order in which they begin. */
export const SYSTEM_PROCESSES: readonly SystemProcess[] = [
  {
    id: SMSS,
    name: 'smss.exe',
    path: `${SYSTEM32}smss.exe`,
    parent: SYSTEM_ID,
    session: 0,
    protection: light(SIGNER.winTcb),
    critical: true,
  },
  {
    id: 1612,
    name: 'csrss.exe',
    path: `${SYSTEM32}csrss.exe`,
    parent: SMSS,
    session: 0,
    protection: light(SIGNER.winTcb),
    critical: true,
  },
  {
    id: WININIT,
    name: 'wininit.exe',
    path: `${SYSTEM32}wininit.exe`,
    parent: SMSS,
    session: 0,
    protection: light(SIGNER.winTcb),
    critical: true,
  },
  {
    id: CSRSS_ID,
    name: 'csrss.exe',
    path: `${SYSTEM32}csrss.exe`,
    parent: SMSS,
    session: 1,
    protection: light(SIGNER.winTcb),
    critical: true,
  },
  {
    id: WINLOGON,
    name: 'winlogon.exe',
    path: `${SYSTEM32}winlogon.exe`,
    parent: SMSS,
    session: 1,
  },
  {
    id: SERVICES,
    name: 'services.exe',
    path: `${SYSTEM32}services.exe`,
    parent: WININIT,
    session: 0,
    protection: light(SIGNER.winTcb),
    critical: true,
  },
  {
    id: 1824,
    name: 'lsass.exe',
    path: `${SYSTEM32}lsass.exe`,
    parent: WININIT,
    session: 0,
    protection: light(SIGNER.lsa),
    critical: true,
  },
  {
    id: 2012,
    name: 'svchost.exe',
    path: `${SYSTEM32}svchost.exe`,
    parent: SERVICES,
    session: 0,
  },
  {
    id: 2104,
    name: 'svchost.exe',
    path: `${SYSTEM32}svchost.exe`,
    parent: SERVICES,
    session: 0,
    user: 'LOCAL SERVICE',
  },
  {
    id: 2456,
    name: 'guard.exe',
    path: '\\Program Files\\Guard\\guard.exe',
    parent: SERVICES,
    session: 0,
    protection: PROTECTION_ANTIMALWARE,
  },
  {
    id: EXPLORER_ID,
    name: 'explorer.exe',
    path: '\\Windows\\explorer.exe',
    parent: WINLOGON,
    session: 1,
    user: LOGGED_ON_USER,
  },
]
