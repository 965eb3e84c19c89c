/**
 * How much of the registry there may be. A hive that grows without bound is a machine without memory:
 * what does not fit any more is refused with STATUS_REGISTRY_QUOTA_LIMIT, as Windows did while it had a
 * size limit, and a tree is 512 levels deep at most.
 */
import type { Key } from './key'

/** Bytes of all keys and values together. */
export const REGISTRY_BYTES_MAX = 64 << 20
/** CMP_MAX_REGISTRY_DEPTH: keys between the root and the deepest. */
export const REGISTRY_DEPTH_MAX = 512
/** What a key costs besides its name: its cell, its lists and its security. */
const KEY_BYTES = 0x200
/** What a value costs besides its name and its data. */
const VALUE_BYTES = 0x80

export const keyBytes = (name: string, className: string): number =>
  KEY_BYTES + 2 * (name.length + className.length)

export const valueBytes = (name: string, data: { length: number }): number =>
  VALUE_BYTES + 2 * name.length + data.length

/** Bytes of a key with its values, without its subkeys. */
export function ownBytes(key: Key): number {
  let bytes = keyBytes(key.name, key.className)
  for (const { name, data } of key.values.values()) bytes += valueBytes(name, data)
  return bytes
}

/** Counts what drivers put into a registry. */
export class RegistryQuota {
  /** Counted at the first question; what a machine begins with is not worth keeping count of. */
  private used: number | null = null

  constructor(private readonly root: Key) {}

  /** Take bytes; false when there are not as many left. */
  charge(bytes: number): boolean {
    const used = (this.used ??= treeBytes(this.root)) + bytes
    if (bytes > 0 && used > REGISTRY_BYTES_MAX) return false
    this.used = Math.max(used, 0)
    return true
  }
}

function treeBytes(root: Key): number {
  let bytes = 0
  const open = [root]
  for (let key = open.pop(); key; key = open.pop()) {
    bytes += ownBytes(key)
    for (const child of key.subkeys.values()) if (!child.link) open.push(child)
  }
  return bytes
}
