/**
 * Who is told and asked: the notify arrays, the callback lists of object types and of the registry,
 * as memory has them, beside what was registered. An entry that is registered and not in memory was
 * taken out by somebody else; one that is in memory and not registered was put there.
 */
import { LIST_ENTRY, OBJECT_TYPE } from '../../../../shared/nt/generated/offsets'
import type { Row } from '../../../../shared/memory/tables'
import { BLOCK as CM_BLOCK } from '../../cm/callbacks'
import type { RegisteredCallback } from '../../ex/callback-table'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import { ENTRY as OB_ENTRY, ITEM as OB_ITEM } from '../../ob/object-callbacks'
import { BLOCK as NOTIFY_BLOCK, NOTIFY_ROUTINES_MAX, VARIABLES } from '../../ps/notify'
import { codePlace } from './code-place'
import type { Reader } from './reader'

/** One entry as memory has it. */
interface Entry {
  kind: string
  /** Array and slot, or the type whose list it is. */
  where: string
  at: Ptr
  routine: bigint
  altitude: string | null
  enabled: boolean
}

/** Kinds of callbacks whose lists are read here; those of other kinds are what was registered. */
const READ = new Set(['process', 'thread', 'image', 'object', 'registry'])

function* notifyEntries(k: Kernel, reader: Reader): Generator<Entry> {
  for (const [kind, variable] of Object.entries(VARIABLES)) {
    const array = k.ob.data.find(variable)
    for (let slot = 0; array && slot < NOTIFY_ROUTINES_MAX; slot++) {
      const value = reader.u64(array + slot * 8) & ~0xfn
      if (value === 0n) continue
      const block = reader.placeOf(value)
      yield {
        kind,
        where: `${variable}[${slot}]`,
        at: array + slot * 8,
        routine: block ? reader.u64(block + NOTIFY_BLOCK.Function) : 0n,
        altitude: null,
        enabled: true,
      }
    }
  }
}

function* objectEntries(k: Kernel, reader: Reader): Generator<Entry> {
  for (const type of [k.ob.types.Process, k.ob.types.Thread])
    for (const item of reader.links(type.address + OBJECT_TYPE.CallbackList)) {
      const entry = reader.ptr(item + OB_ITEM.CallbackEntry)
      for (const field of [OB_ITEM.PreOperation, OB_ITEM.PostOperation]) {
        const routine = reader.u64(item + field)
        if (routine === 0n) continue
        yield {
          kind: 'object',
          where: `${type.name} ${field === OB_ITEM.PreOperation ? 'before' : 'after'}`,
          at: item,
          routine,
          altitude: entry ? reader.unicode(entry + OB_ENTRY.Altitude) || null : null,
          enabled: reader.u32(item + OB_ITEM.Enabled) !== 0,
        }
      }
    }
}

function* registryEntries(k: Kernel, reader: Reader): Generator<Entry> {
  const head = k.ob.data.find('CallbackListHead')
  if (!head || reader.ptr(head + LIST_ENTRY.Blink) === 0) return
  for (const block of reader.links(head))
    yield {
      kind: 'registry',
      where: 'CallbackListHead',
      at: block,
      routine: reader.u64(block + CM_BLOCK.Function),
      altitude: reader.unicode(block + CM_BLOCK.Altitude) || null,
      enabled: true,
    }
}

export function callbacks(k: Kernel, reader: Reader): Row[] {
  /** Registrations that no entry in memory was found for yet. */
  const missing = new Set<RegisteredCallback>(k.callbacks.all())
  const rows: Row[] = []
  const entries = [
    ...notifyEntries(k, reader),
    ...objectEntries(k, reader),
    ...registryEntries(k, reader),
  ]
  for (const { kind, where, at, routine, altitude, enabled } of entries) {
    const known = [...missing].find(
      (each) => each.kind === kind && k.memory.address(each.routine) === routine,
    )
    if (known) missing.delete(known)
    rows.push({
      kind,
      where,
      entry: reader.addressText(at),
      ...placed(k, reader, routine),
      altitude: altitude ?? known?.altitude ?? null,
      driver: known?.driver ?? null,
      enabled,
      inMemory: true,
      registered: known !== undefined,
    })
  }
  for (const { kind, routine, altitude, driver } of missing)
    rows.push({
      kind,
      where: null,
      entry: null,
      ...placed(k, reader, k.memory.address(routine)),
      altitude,
      driver,
      enabled: true,
      inMemory: !READ.has(kind),
      registered: true,
    })
  return rows
}

function placed(k: Kernel, reader: Reader, routine: bigint): Record<string, string | null> {
  const { address, symbol, module } = codePlace(k, reader, routine)
  return { routine: address, symbol, module }
}
