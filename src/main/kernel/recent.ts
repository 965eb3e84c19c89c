/**
 * The newest `size` entries by key. Adding one drops the oldest without searching for it: a Map's own
 * order would do, but finding its first key costs more the more entries were deleted.
 */
export class Recent<V, K extends number | string = number> {
  private readonly map = new Map<K, V>()
  /** In the order of addition, from `next` on. */
  private readonly keys: (K | undefined)[]
  private next = 0

  constructor(private readonly size: number) {
    this.keys = new Array<K | undefined>(size).fill(undefined)
  }

  has(key: K): boolean {
    return this.map.has(key)
  }

  get(key: K): V | undefined {
    return this.map.get(key)
  }

  add(key: K, value: V): void {
    if (!this.map.has(key)) {
      const oldest = this.keys[this.next]
      if (oldest !== undefined) this.map.delete(oldest)
      this.keys[this.next] = key
      this.next = (this.next + 1) % this.size
    }
    this.map.set(key, value)
  }

  delete(key: K): void {
    this.map.delete(key)
  }

  values(): IterableIterator<V> {
    return this.map.values()
  }
}
