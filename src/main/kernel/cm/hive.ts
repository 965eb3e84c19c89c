/** What outlives a machine: the keys and values that are kept on disk. */
import type { Key } from './key'
import type { Registry } from './registry'

/** Made anew at each start. */
const VOLATILE = new Set(['HARDWARE'])

/** Take over what another machine's registry kept: a boot after a crash. */
export function restoreHive(registry: Registry, from: Registry): void {
  copy(from.root, registry.root)
}

function copy(from: Key, to: Key): void {
  to.values.clear()
  for (const [name, value] of from.values)
    to.values.set(name, { ...value, data: value.data.slice() })
  to.className = from.className
  to.lastWrite = from.lastWrite
  for (const [name, key] of from.subkeys) {
    if (key.link || key.volatile || VOLATILE.has(name)) continue
    copy(key, to.subkeys.get(name) ?? to.add(key.name))
  }
  for (const [name, key] of to.subkeys)
    if (!key.link && !VOLATILE.has(name) && !from.subkeys.has(name)) {
      key.deleted = true
      to.subkeys.delete(name)
    }
}
