/** Directories of the object namespace. */
import { upcase } from '../rtl/upcase'
import type { KObject } from './kobject'

/** Companion of a directory object. */
export class Directory {
  object!: KObject
  private readonly items = new Map<string, KObject>()

  get(name: string): KObject | undefined {
    return this.items.get(upcase(name))
  }
  add(name: string, object: KObject): void {
    this.items.set(upcase(name), object)
  }
  delete(name: string): void {
    this.items.delete(upcase(name))
  }
  /** What it holds, in order of creation. */
  list(): KObject[] {
    return [...this.items.values()]
  }
}
