/** What a folder holds: by name for a look-up, in order for a listing, and how deep it goes below. */
import type { FileNode } from './tree'

export class Children {
  private readonly byKey = new Map<string, FileNode>()
  /** Keys in the order in which NTFS keeps them: by code unit of the upper-case name. */
  private readonly keys: string[] = []
  /** How many children have a height, by height; the last one is never 0. */
  private readonly heights: number[] = []

  get size(): number {
    return this.byKey.size
  }

  /** Folders and files below, one under the other; 0 for an empty folder. */
  get height(): number {
    return this.heights.length
  }

  /** @param key  the upper-case name */
  get(key: string): FileNode | undefined {
    return this.byKey.get(key)
  }

  add(key: string, node: FileNode): void {
    this.byKey.set(key, node)
    this.keys.splice(this.indexOf(key), 0, key)
  }

  delete(key: string): void {
    if (this.byKey.delete(key)) this.keys.splice(this.indexOf(key), 1)
  }

  /** A child's height has become another; null for a child that was not or is no longer there. */
  recount(was: number | null, is: number | null): void {
    const { heights } = this
    if (is !== null) {
      while (heights.length <= is) heights.push(0)
      heights[is]!++
    }
    if (was !== null) heights[was]!--
    while (heights.at(-1) === 0) heights.pop()
  }

  /** The first key that comes after another, or that begins with or comes after a text. */
  keyFrom(key: string, isAfter: boolean): string | undefined {
    const at = this.indexOf(key)
    return this.keys[isAfter && this.keys[at] === key ? at + 1 : at]
  }

  *inOrder(): Generator<FileNode> {
    for (const key of this.keys) yield this.byKey.get(key)!
  }

  /** Where a key stands or would stand. */
  private indexOf(key: string): number {
    let [low, high] = [0, this.keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
