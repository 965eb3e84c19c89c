/** System services on tokens: opening that of a process, enabling and disabling its privileges. */
import { TOKEN_ADJUST_PRIVILEGES, TOKEN_QUERY } from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_ALL_ASSIGNED,
  STATUS_NO_TOKEN,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { LUID_AND_ATTRIBUTES, TOKEN_PRIVILEGES } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { processOf, writeHandle } from '../ob/nt-object'
import { service } from '../ps/service'
import { fromUser, guarded, probeRead, probeWrite } from '../ps/service-args'
import type { PrivilegeChange } from './token'

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
/** More than there are is no list of privileges. */
const PRIVILEGES_MAX = 64

export const NtOpenProcessToken = service('NtOpenProcessToken', 0x128, 'hxp', function* (k, args) {
  const [handle = 0, access = 0, resultAt = 0] = args
  const bad = guarded(k, () => probeWrite(k, resultAt, 8))
  if (bad) return bad
  const { status, process } = processOf(k, handle, PROCESS_QUERY_LIMITED_INFORMATION)
  if (!process) return status
  const token = k.ob.lookup(k.se.tokens.addressOf(process.address))
  if (token?.type.name !== 'Token') return STATUS_NO_TOKEN
  // The token of a process is as open as the process itself.
  if (fromUser(k) && process !== k.thread.process) {
    const descriptor = k.se.processDescriptor(process)
    const { mapping } = k.ob.types.Token.facts
    const checked = k.se.check(descriptor, access, mapping, 'Token', `token of ${process.name}`)
    if (checked.status !== STATUS_SUCCESS) return checked.status
  }
  const opened = k.ob.openHandle(token, access)
  return guarded(k, () => writeHandle(k, resultAt, opened))
})

function readChanges(k: Kernel, at: Ptr): PrivilegeChange[] | null {
  const { memory } = k
  probeRead(k, at, TOKEN_PRIVILEGES.Privileges)
  const count = memory.u32(at + TOKEN_PRIVILEGES.PrivilegeCount)
  if (count > PRIVILEGES_MAX) return null
  const first = at + TOKEN_PRIVILEGES.Privileges
  probeRead(k, first, count * LUID_AND_ATTRIBUTES.SIZE)
  return Array.from({ length: count }, (_, i) => {
    const one = first + i * LUID_AND_ATTRIBUTES.SIZE
    return {
      luid: memory.u64(one + LUID_AND_ATTRIBUTES.Luid),
      attributes: memory.u32(one + LUID_AND_ATTRIBUTES.Attributes),
    }
  })
}

function writeChanges(k: Kernel, at: Ptr, changes: readonly PrivilegeChange[]): void {
  const { memory } = k
  memory.setU32(at + TOKEN_PRIVILEGES.PrivilegeCount, changes.length)
  changes.forEach(({ luid, attributes }, i) => {
    const one = at + TOKEN_PRIVILEGES.Privileges + i * LUID_AND_ATTRIBUTES.SIZE
    memory.setU64(one + LUID_AND_ATTRIBUTES.Luid, luid)
    memory.setU32(one + LUID_AND_ATTRIBUTES.Attributes, attributes)
  })
}

export const NtAdjustPrivilegesToken = service(
  'NtAdjustPrivilegesToken',
  0x41,
  'hxpxpp',
  function* (k, args) {
    const [handle = 0, disableAll = 0, newAt = 0, length = 0, previousAt = 0, lengthAt = 0] = args
    let changes: PrivilegeChange[] | null = []
    const bad = guarded(k, () => {
      if (disableAll === 0) changes = newAt ? readChanges(k, newAt) : null
      if (previousAt) probeWrite(k, previousAt, length)
      if (previousAt && lengthAt) probeWrite(k, lengthAt, 4)
    })
    if (bad) return bad
    if (changes === null) return STATUS_INVALID_PARAMETER
    const wanted = TOKEN_ADJUST_PRIVILEGES | (previousAt ? TOKEN_QUERY : 0)
    const mode = fromUser(k) ? 1 : 0
    const resolved = k.ob.resolveHandle(handle, wanted, k.ob.types.Token, mode)
    if (!resolved.object) return resolved.status
    const { tokens } = k.se
    const { address } = resolved.object
    if (disableAll !== 0)
      changes = tokens.enabled(address).map((luid) => ({ luid: BigInt(luid), attributes: 0 }))
    const plan = tokens.plan(address, changes)
    const needed = TOKEN_PRIVILEGES.Privileges + plan.previous.length * LUID_AND_ATTRIBUTES.SIZE
    const answered = guarded(k, () => {
      if (!previousAt) return STATUS_SUCCESS
      if (lengthAt) k.memory.setU32(lengthAt, needed)
      // Without room for what was, nothing is changed.
      if (length < needed) return STATUS_BUFFER_TOO_SMALL
      writeChanges(k, previousAt, plan.previous)
      return STATUS_SUCCESS
    })
    if (answered !== STATUS_SUCCESS) return answered
    tokens.adjust(address, plan)
    return plan.isWhole ? STATUS_SUCCESS : STATUS_NOT_ALL_ASSIGNED
  },
)
