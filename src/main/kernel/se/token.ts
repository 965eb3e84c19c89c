/**
 * Access tokens: who a process is, what groups it belongs to, which privileges it holds.
 *
 * Which token a process has, and which privileges it enables, is what memory says (EPROCESS.Token,
 * TOKEN.Privileges): a driver that writes there changes both. The SIDs are kept beside the bytes.
 */
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import { RunLimit } from '../stop'
import type { Subject } from './access'
import { INTEGRITY, MACHINE_SID, SIDS, type Sid } from './sid'

const TOKEN_BYTES = 0x498
/** Fields of TOKEN that token-stealing code looks at (build 19041). */
export const TOKEN = {
  SIZE: TOKEN_BYTES,
  TokenSource: 0,
  TokenId: 0x10,
  AuthenticationId: 0x18,
  'Privileges.Present': 0x40,
  'Privileges.Enabled': 0x48,
  'Privileges.EnabledByDefault': 0x50,
  SessionId: 0x78,
  UserAndGroupCount: 0x7c,
  TokenType: 0xc0,
} as const
const LOCAL_SYSTEM_LUID = 0x3e7n
/** Accounts that services run as: they are nobody's administrators, with the integrity of the system. */
const SERVICE_ACCOUNTS: ReadonlyMap<string, { sid: Sid; luid: bigint }> = new Map([
  ['LOCAL SERVICE', { sid: SIDS.localService, luid: 0x3e5n }],
  ['NETWORK SERVICE', { sid: SIDS.networkService, luid: 0x3e4n }],
])
/** Logon sessions of the user that sits at the machine: an elevated token comes from one of its own. */
const ELEVATED_LUID = 0x2_1f3an
const PLAIN_LUID = 0x2_1f5cn
/** Every privilege from SeCreateTokenPrivilege (2) to the last known one (36). */
const SYSTEM_PRIVILEGES = 0x1f_f2ff_ffbcn
/** What an unelevated user has: shutdown, change notify, undock, working set, time zone. */
const USER_PRIVILEGES = 0x6_0288_0000n

/** Who a token is made for. */
export interface Identity {
  /** `SYSTEM` or the user's name. */
  user: string
  /** Full privileges of an administrator. */
  elevated: boolean
  /** Terminal services session; 0 for SYSTEM and 1 for everybody else by default. */
  session?: number
}

/** Companion of a Token object. */
export interface TokenData extends Identity {
  sid: Sid
  /** SIDs that count for permissions: the user's own and those of groups that are enabled. */
  enabled: ReadonlySet<Sid>
  /** SIDs that count for denials only: Administrators, in the token of somebody who is not elevated. */
  denyOnly: ReadonlySet<Sid>
  integrity: number
}

/** First relative id of ordinary accounts; `user` is the first of them. */
const FIRST_ACCOUNT = 1001

export class Tokens {
  private readonly accounts = new Map<string, Sid>()

  constructor(private readonly k: Kernel) {}

  /** SID of an account of this machine, made at the first question. */
  account(user: string): Sid {
    if (user === 'SYSTEM') return SIDS.system
    const service = SERVICE_ACCOUNTS.get(user)
    if (service) return service.sid
    let sid = this.accounts.get(user)
    if (!sid) {
      sid = `${MACHINE_SID}-${FIRST_ACCOUNT + this.accounts.size}`
      this.accounts.set(user, sid)
    }
    return sid
  }

  private describe({ user, elevated }: Identity): TokenData {
    const sid = this.account(user)
    const isSystem = sid === SIDS.system
    const groups: Sid[] = isSystem
      ? [SIDS.administrators, SIDS.everyone, SIDS.authenticatedUsers]
      : [SIDS.everyone, SIDS.users, SIDS.interactive, SIDS.authenticatedUsers, SIDS.local]
    if (!isSystem && elevated) groups.push(SIDS.administrators)
    const isService = SERVICE_ACCOUNTS.has(user)
    if (isService) groups.push(SIDS.service)
    return {
      user,
      elevated,
      sid,
      enabled: new Set<Sid>([sid, ...groups]),
      denyOnly: new Set<Sid>(isSystem || elevated ? [] : [SIDS.administrators]),
      integrity:
        isSystem || isService ? INTEGRITY.system : elevated ? INTEGRITY.high : INTEGRITY.medium,
    }
  }

  /** A primary token with one reference. The run ends when there is no memory for it. */
  create(identity: Identity): KObject<TokenData> {
    const { memory, ob } = this.k
    const data = this.describe(identity)
    const token = ob.create('Token', TOKEN_BYTES, { data })
    if (typeof token === 'number')
      throw new RunLimit('limit', 'memory', `no memory left for a token of ${data.user}`)
    const { address } = token
    const source = '*SYSTEM*'
    for (let i = 0; i < 8; i++) memory.setU8(address + i, source.charCodeAt(i))
    const privileges = data.elevated ? SYSTEM_PRIVILEGES : USER_PRIVILEGES
    const session = identity.session ?? (data.user === 'SYSTEM' ? 0 : 1)
    const luid =
      SERVICE_ACCOUNTS.get(data.user)?.luid ??
      (data.user === 'SYSTEM' ? LOCAL_SYSTEM_LUID : data.elevated ? ELEVATED_LUID : PLAIN_LUID)
    memory.setU64(address + TOKEN.AuthenticationId, luid)
    memory.setU64(address + TOKEN['Privileges.Present'], privileges)
    memory.setU64(address + TOKEN['Privileges.Enabled'], privileges)
    memory.setU64(address + TOKEN['Privileges.EnabledByDefault'], privileges)
    memory.setU32(address + TOKEN.SessionId, session)
    memory.setU32(address + TOKEN.UserAndGroupCount, data.enabled.size + data.denyOnly.size)
    memory.setU32(address + TOKEN.TokenType, 1)
    return token
  }

  /** Address of the token that EPROCESS.Token names now, whatever was written there. */
  addressOf(process: Ptr): Ptr {
    const { memory } = this.k
    // EX_FAST_REF: the low four bits count cached references.
    return memory.index(memory.u64(process + EPROCESS['Token.Value']) & ~0xfn)
  }

  /** Companion of a token; undefined for a pointer to anything else. */
  at(token: Ptr): TokenData | undefined {
    const object = this.k.ob.lookup(token)
    return object?.type.name === 'Token' ? (object.data as TokenData) : undefined
  }

  /** Whether a token has a privilege enabled, as its bytes say now. */
  hasPrivilege(token: Ptr, privilege: number): boolean {
    const enabled = this.k.memory.u64(token + TOKEN['Privileges.Enabled'])
    return ((enabled >> BigInt(privilege)) & 1n) === 1n
  }

  /** What the access check asks of a token. A pointer to no token is nobody. */
  subject(token: Ptr): Subject {
    const data = this.at(token)
    return {
      user: data?.sid ?? SIDS.nobody,
      enabled: data?.enabled ?? new Set(),
      denyOnly: data?.denyOnly ?? new Set(),
      integrity: data?.integrity ?? 0,
      hasPrivilege: (privilege) => data !== undefined && this.hasPrivilege(token, privilege),
    }
  }

  /** SeTokenIsAdmin: the Administrators group is there and not for denials only. */
  isAdmin(token: Ptr): boolean {
    return this.at(token)?.enabled.has(SIDS.administrators) ?? false
  }
}
