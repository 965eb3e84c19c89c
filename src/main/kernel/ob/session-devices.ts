/**
 * Links of a logon session. A link below `\??` that is made in a process of a user belongs to the
 * user's logon session and is seen by its processes only; one that is made in the System process is
 * seen by everybody. Drivers meet that when they make links in a dispatch routine.
 */
import type { Kernel } from '../kernel'
import { TOKEN } from '../se/token'
import type { Directory } from './directory'
import type { KObject } from './kobject'

const SYSTEM_LUID = 0x3e7n
const DOS_DEVICES = '\\Sessions\\0\\DosDevices'
const PARENTS = ['\\Sessions', '\\Sessions\\0', DOS_DEVICES]

export class SessionDevices {
  /** By logon session (the AuthenticationId of its tokens). */
  private readonly directories = new Map<bigint, Directory>()

  constructor(
    private readonly k: Kernel,
    private readonly createDirectory: (path: string) => KObject | null,
  ) {}

  /** Logon session of the current process; null for the system's own. */
  private session(): bigint | null {
    const { k } = this
    // There is no thread while the machine is being put together.
    const thread = k.processor?.current as Kernel['thread'] | undefined
    if (!thread || thread.process.slice < 0) return null
    const token = k.se.tokens.addressOf(thread.process.address)
    const luid = k.memory.u64(token + TOKEN.AuthenticationId)
    return luid === SYSTEM_LUID ? null : luid
  }

  /** The directory of the current logon session, if it has links of its own. */
  get current(): Directory | null {
    if (this.directories.size === 0) return null
    const session = this.session()
    return session === null ? null : (this.directories.get(session) ?? null)
  }

  /** The directory that a new link belongs into; null for `\GLOBAL??`. Made with the first link. */
  forInsert(): Directory | null {
    const session = this.session()
    if (session === null) return null
    const known = this.directories.get(session)
    if (known) return known
    if (this.directories.size === 0) for (const path of PARENTS) this.createDirectory(path)
    const luid = session.toString(16).padStart(16, '0')
    const object = this.createDirectory(`${DOS_DEVICES}\\${luid.slice(0, 8)}-${luid.slice(8)}`)
    if (!object) return null
    const directory = object.data as Directory
    this.directories.set(session, directory)
    return directory
  }
}
