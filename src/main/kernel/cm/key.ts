/** Keys and values of the registry, as a tree. */
import { upcase } from '../rtl/upcase'

export interface RegistryValue {
  name: string
  type: number
  data: Uint8Array
}

export class Key {
  readonly subkeys = new Map<string, Key>()
  readonly values = new Map<string, RegistryValue>()
  /** Key that this one is a link to (CurrentControlSet). */
  link: Key | null = null
  className = ''
  volatile = false
  deleted = false
  /** Subkeys by name, until one comes or goes. */
  private order: Key[] | null = null
  /** Tick of the last change. */
  lastWrite = 0
  /** Keys above it. */
  readonly depth: number

  constructor(
    readonly name: string,
    readonly parent: Key | null,
  ) {
    this.depth = parent ? parent.depth + 1 : 0
  }

  /** `\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\Foo`. */
  get path(): string {
    return this.parent ? `${this.parent.path}\\${this.name}` : `\\${this.name}`
  }

  subkey(name: string): Key | undefined {
    const key = this.subkeys.get(upcase(name))
    return key?.link ?? key
  }

  value(name: string): RegistryValue | undefined {
    return this.values.get(upcase(name))
  }

  add(name: string): Key {
    const key = new Key(name, this)
    this.subkeys.set(upcase(name), key)
    this.order = null
    return key
  }

  remove(name: string): void {
    this.subkeys.delete(upcase(name))
    this.order = null
  }

  /** Subkeys in the order that enumeration gives: by name. */
  sortedSubkeys(): readonly Key[] {
    this.order ??= [...this.subkeys.entries()]
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([, key]) => key)
    return this.order
  }

  /** Values in the order in which they were made. */
  valueList(): RegistryValue[] {
    return [...this.values.values()]
  }
}

/** Text as UTF-16 bytes. */
export function utf16(text: string): Uint8Array {
  const data = new Uint8Array(text.length * 2)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    data[i * 2] = unit & 0xff
    data[i * 2 + 1] = unit >>> 8
  }
  return data
}
