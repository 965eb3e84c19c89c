/**
 * Access tokens: who a process is, what groups it belongs to, which privileges it holds.
 *
 * Which token a process has, and which privileges it enables, is what memory says (EPROCESS.Token,
 * TOKEN.Privileges): a driver that writes there changes both. The SIDs are kept beside the bytes.
 */
import { SE_PRIVILEGE_ENABLED, SE_PRIVILEGE_REMOVED } from '../../../shared/nt/generated/constants'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import { RunLimit } from '../stop'
import type { Subject } from './access'
import { privilegeNames, privilegesOf } from './privileges'
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

/** What somebody wants of one privilege, or what it was: its number and SE_PRIVILEGE_* flags. */
export interface PrivilegeChange {
  luid: bigint
  attributes: number
}

/** Where a change of privileges leads. */
export interface PrivilegePlan {
  present: bigint
  enabled: bigint
  /** Those that change, as they were. */
  previous: readonly PrivilegeChange[]
  /** The token holds all that were named. */
  isWhole: boolean
}

function kindOf({ user, elevated }: Identity): Parameters<typeof privilegesOf>[0] {
  if (user === 'SYSTEM') return 'system'
  if (SERVICE_ACCOUNTS.has(user)) return 'service'
  return elevated ? 'administrator' : 'user'
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
    const { present, enabled } = privilegesOf(kindOf(data))
    const session = identity.session ?? (data.user === 'SYSTEM' ? 0 : 1)
    const luid =
      SERVICE_ACCOUNTS.get(data.user)?.luid ??
      (data.user === 'SYSTEM' ? LOCAL_SYSTEM_LUID : data.elevated ? ELEVATED_LUID : PLAIN_LUID)
    memory.setU64(address + TOKEN.AuthenticationId, luid)
    memory.setU64(address + TOKEN['Privileges.Present'], present)
    memory.setU64(address + TOKEN['Privileges.Enabled'], enabled)
    memory.setU64(address + TOKEN['Privileges.EnabledByDefault'], enabled)
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

  /** LUIDs of the privileges that a token has enabled. */
  enabled(token: Ptr): number[] {
    const set = this.k.memory.u64(token + TOKEN['Privileges.Enabled'])
    return Array.from({ length: 64 }, (_, luid) => luid).filter(
      (luid) => (set >> BigInt(luid)) & 1n,
    )
  }

  /**
   * What becomes of a token's privileges when some are enabled (SE_PRIVILEGE_ENABLED), removed for good
   * (SE_PRIVILEGE_REMOVED) or disabled. What a token does not hold it does not get.
   */
  plan(token: Ptr, changes: readonly PrivilegeChange[]): PrivilegePlan {
    const { memory } = this.k
    let present = memory.u64(token + TOKEN['Privileges.Present'])
    let enabled = memory.u64(token + TOKEN['Privileges.Enabled'])
    const previous: PrivilegeChange[] = []
    let isWhole = true
    for (const { luid, attributes } of changes) {
      const bit = luid < 64n ? 1n << luid : 0n
      if ((present & bit) === 0n) {
        isWhole = false
        continue
      }
      const was = (enabled & bit) !== 0n
      const shall = (attributes & SE_PRIVILEGE_ENABLED) !== 0
      if (attributes & SE_PRIVILEGE_REMOVED) present &= ~bit
      else if (was === shall) continue
      previous.push({ luid, attributes: was ? SE_PRIVILEGE_ENABLED : 0 })
      enabled = shall && !(attributes & SE_PRIVILEGE_REMOVED) ? enabled | bit : enabled & ~bit
    }
    return { present, enabled, previous, isWhole }
  }

  /** Enable one privilege, if the token holds it. */
  enable(token: Ptr, privilege: number): void {
    const change = { luid: BigInt(privilege), attributes: SE_PRIVILEGE_ENABLED }
    this.adjust(token, this.plan(token, [change]))
  }

  /** Do what `plan` came to. Emits `privileges.adjusted` when something changes. */
  adjust(token: Ptr, { present, enabled }: PrivilegePlan): void {
    const { k } = this
    const before = k.memory.u64(token + TOKEN['Privileges.Enabled'])
    k.memory.setU64(token + TOKEN['Privileges.Present'], present)
    k.memory.setU64(token + TOKEN['Privileges.Enabled'], enabled)
    if (!k.tracing || before === enabled) return
    k.emit({
      t: 'privileges.adjusted',
      token: k.memory.format(token),
      user: this.at(token)?.user ?? '?',
      enabled: privilegeNames(enabled & ~before),
      disabled: privilegeNames(before & ~enabled),
    })
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
