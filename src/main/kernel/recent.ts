/**
 * The newest `size` entries by key. Adding one drops the oldest without searching for it: a Map's own
 * order would do, but finding its first key costs more the more entries were deleted.
 */
export class Recent<V> {
  private readonly map = new Map<number, V>()
  private readonly keys: Int32Array
  private next = 0

  constructor(private readonly size: number) {
    this.keys = new Int32Array(size).fill(-1)
  }

  get(key: number): V | undefined {
    return this.map.get(key)
  }

  add(key: number, value: V): void {
    if (!this.map.has(key)) {
      const oldest = this.keys[this.next]!
      if (oldest !== -1) this.map.delete(oldest)
      this.keys[this.next] = key
      this.next = (this.next + 1) % this.size
    }
    this.map.set(key, value)
  }

  delete(key: number): void {
    this.map.delete(key)
  }

  values(): IterableIterator<V> {
    return this.map.values()
  }
}
