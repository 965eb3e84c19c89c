/**
 * The configuration manager: a registry that begins fresh in every run, reached through Key objects
 * below `\REGISTRY`.
 */
import {
  STATUS_CANNOT_DELETE,
  STATUS_CHILD_MUST_BE_VOLATILE,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_KEY_DELETED,
  STATUS_NAME_TOO_LONG,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_SYNTAX_BAD,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_REGISTRY_QUOTA_LIMIT,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  REG_BINARY,
  REG_DWORD,
  REG_MULTI_SZ,
  REG_QWORD,
  REG_SZ,
} from '../../../shared/nt/generated/constants'
import { hex32 } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import type { KObject } from '../ob/object'
import { upcase } from '../rtl/upcase'
import { assert } from '../stop'
import { RegistryCallbacks } from './callbacks'
import { closeKey } from './operations'
import { Key, utf16, type RegistryValue } from './key'
import { keyBytes, ownBytes, REGISTRY_DEPTH_MAX, RegistryQuota, valueBytes } from './quota'

/** CM_KEY_BODY: Type and the address of the key control block. */
const KEY_BODY_BYTES = 0x50
/** 'ky02' */
const KEY_BODY_TYPE = 0x6b79_3032
/** Longest name of one key, in characters. */
const KEY_NAME_MAX = 255
/** Longest name of a value, in characters. */
export const VALUE_NAME_MAX = 16_383

/** `\Registry\Machine\System\CurrentControlSet\Services`, where services are. */
export const SERVICES_PATH = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services'

/** A value as the loader or a scenario gives it. */
export type PlainValue = string | number | bigint | readonly string[] | Uint8Array

export interface ServiceOptions {
  /** `\SystemRoot\System32\drivers\X.sys` by default. */
  imagePath?: string
  displayName?: string
  /** 3, SERVICE_DEMAND_START, by default. */
  start?: number
  /** Values of the subkey `Parameters`. */
  parameters?: Readonly<Record<string, PlainValue>>
}

/** Companion of a Key object. */
export interface KeyData {
  key: Key
}

export class Registry {
  readonly root: Key
  /** Drivers that are asked before operations. */
  readonly callbacks: RegistryCallbacks
  /** The object `\REGISTRY`. */
  readonly object: KObject<KeyData>
  private readonly services: Key
  private readonly quota: RegistryQuota
  private readonly ids = new WeakMap<Key, number>()
  private lastId = 0

  constructor(private readonly k: Kernel) {
    this.callbacks = new RegistryCallbacks(k)
    k.ob.types.Key.onLastHandleClosed = function* (object) {
      yield* k.registry.callbacks.around(closeKey(k, object.address), () => STATUS_SUCCESS)
    }
    this.root = new Key('REGISTRY', null)
    this.quota = new RegistryQuota(this.root)
    const machine = this.root.add('MACHINE')
    this.root.add('USER').add('.DEFAULT')
    const system = machine.add('SYSTEM')
    const controlSet = system.add('ControlSet001')
    system.add('CurrentControlSet').link = controlSet
    this.set(system.add('Select'), 'Current', 1)
    const control = controlSet.add('Control')
    control.add('Session Manager')
    controlSet.add('Enum')
    this.services = controlSet.add('Services')
    machine.add('HARDWARE').add('DESCRIPTION').add('System')
    machine.subkey('HARDWARE')!.add('DEVICEMAP')
    const version = machine.add('SOFTWARE').add('Microsoft').add('Windows NT').add('CurrentVersion')
    this.set(version, 'CurrentBuildNumber', '19045')
    this.set(version, 'ProductName', 'Windows 10 Pro')
    this.object = this.createKeyObject(this.root, '\\REGISTRY')
  }

  private createKeyObject(key: Key, name: string): KObject<KeyData> {
    const object = this.makeObject(key, name)
    assert(typeof object !== 'number', `cannot make ${name}`)
    return object
  }

  private makeObject(key: Key, name: string | null): KObject<KeyData> | number {
    const { k } = this
    const object = k.ob.create<KeyData>('Key', KEY_BODY_BYTES, {
      name,
      data: { key },
      permanent: name !== null,
    })
    if (typeof object !== 'number') k.memory.setU32(object.address, KEY_BODY_TYPE)
    return object
  }

  // --- for the loader, scenarios and tests ---------------------------------------------------------

  /** Make a service key of type kernel driver; its path as K012 has it. An existing one is replaced. */
  createService(name: string, options: ServiceOptions = {}): string {
    this.removeTree(this.services.subkeys.get(upcase(name)))
    const key = this.services.add(name)
    this.set(key, 'Type', 1)
    this.set(key, 'Start', options.start ?? 3)
    this.set(key, 'ErrorControl', 1)
    this.set(key, 'ImagePath', options.imagePath ?? `\\SystemRoot\\System32\\drivers\\${name}.sys`)
    this.set(key, 'DisplayName', options.displayName ?? name)
    if (options.parameters) {
      const parameters = key.add('Parameters')
      for (const [value, data] of Object.entries(options.parameters))
        this.set(parameters, value, data)
    }
    return key.path
  }

  deleteService(name: string): boolean {
    const key = this.services.subkeys.get(upcase(name))
    this.removeTree(key)
    return key !== undefined
  }

  private removeTree(key: Key | undefined): void {
    if (!key) return
    for (const child of [...key.subkeys.values()]) this.removeTree(child)
    this.quota.charge(-ownBytes(key))
    key.deleted = true
    key.parent?.remove(key.name)
  }

  /** Set a value by what it is: text REG_SZ, number REG_DWORD, bigint REG_QWORD, list REG_MULTI_SZ, bytes REG_BINARY. */
  set(key: Key, name: string, value: PlainValue): void {
    const { type, data } = encodeValue(value)
    key.values.set(upcase(name), { name, type, data })
    key.lastWrite = this.k.tick
  }

  /** Key by absolute path (`\Registry\Machine\...`), links followed. */
  key(path: string): Key | undefined {
    const parts = path.split('\\').filter((part) => part !== '')
    if (upcase(parts.shift() ?? '') !== 'REGISTRY') return undefined
    let key: Key | undefined = this.root
    for (const part of parts) key = key?.subkey(part)
    return key
  }

  /** A number that stands for a key as long as the machine runs. */
  idOf(key: Key): number {
    let id = this.ids.get(key)
    if (id === undefined) this.ids.set(key, (id = ++this.lastId))
    return id
  }

  // --- open and create -----------------------------------------------------------------------------

  /**
   * Find the key that a path names.
   * @param root key object that a relative path starts at
   */
  find(path: string, root: KObject | null = null): Key | number {
    const start = this.start(path, root)
    if (typeof start === 'number') return start
    let { key } = start
    const { parts } = start
    for (const part of parts) {
      const next = key.subkey(part)
      // Also when it is not the last part that is missing: keys know no "path not found".
      if (!next) return STATUS_OBJECT_NAME_NOT_FOUND
      key = next
    }
    return key
  }

  private start(path: string, root: KObject | null): { key: Key; parts: string[] } | number {
    let rest = path
    let key: Key
    if (root) {
      if (root.type.name !== 'Key') return STATUS_OBJECT_TYPE_MISMATCH
      key = (root.data as KeyData).key
      if (key.deleted) return STATUS_KEY_DELETED
      if (rest.startsWith('\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD
    } else {
      const found = this.k.ob.namespace.lookup(path)
      if (!found.object) return found.status
      if (found.object !== (this.object as KObject)) return STATUS_OBJECT_TYPE_MISMATCH
      key = this.root
      rest = found.remainder.slice(1)
    }
    const parts = rest === '' ? [] : rest.split('\\')
    // A single trailing backslash is tolerated, as on Windows.
    if (parts.length > 1 && parts.at(-1) === '') parts.pop()
    if (parts.some((part) => part === '' || part.length > KEY_NAME_MAX))
      return STATUS_OBJECT_NAME_INVALID
    return { key, parts }
  }

  /** A Key object for an existing key, with one reference; the caller opens a handle and drops it. */
  open(path: string, root: KObject | null = null): KObject<KeyData> | number {
    const key = this.find(path, root)
    if (typeof key === 'number') {
      this.trace('open', root ? this.describe(root, path) : path, null, key)
      return key
    }
    const object = this.makeObject(key, null)
    const status = typeof object === 'number' ? object : STATUS_SUCCESS
    this.trace('open', key.path, null, status)
    return object
  }

  /** As `open`, making the last part of the path if it is missing. */
  create(
    path: string,
    root: KObject | null,
    options: { volatile?: boolean; className?: string } = {},
  ): { object: KObject<KeyData>; created: boolean } | number {
    const start = this.start(path, root)
    const shown = root ? this.describe(root, path) : path
    const fail = (status: number): number => {
      this.trace('create', shown, null, status)
      return status
    }
    if (typeof start === 'number') return fail(start)
    let { key } = start
    const { parts } = start
    let created = false
    for (let i = 0; i < parts.length; i++) {
      const next = key.subkey(parts[i]!)
      if (!next) {
        // Only the last part is made; a missing one before it is an error.
        if (i < parts.length - 1) return fail(STATUS_OBJECT_NAME_NOT_FOUND)
        if (key.volatile && !options.volatile) return fail(STATUS_CHILD_MUST_BE_VOLATILE)
        if (key.depth >= REGISTRY_DEPTH_MAX) return fail(STATUS_NAME_TOO_LONG)
        if (!this.quota.charge(keyBytes(parts[i]!, options.className ?? '')))
          return fail(STATUS_REGISTRY_QUOTA_LIMIT)
        key.lastWrite = this.k.tick
        key = key.add(parts[i]!)
        key.volatile = options.volatile ?? false
        key.className = options.className ?? ''
        key.lastWrite = this.k.tick
        created = true
      } else key = next
    }
    const object = this.makeObject(key, null)
    if (typeof object === 'number') return fail(object)
    this.trace('create', key.path, null, STATUS_SUCCESS)
    return { object, created }
  }

  /** Make a key and nothing else; the path has to begin at `\REGISTRY`, all but its last part exists. */
  ensure(path: string): number {
    if (typeof this.find(path) !== 'number') return STATUS_SUCCESS
    const result = this.create(path, null)
    if (typeof result === 'number') return result
    this.k.ob.release(result.object.address)
    return STATUS_SUCCESS
  }

  private describe(root: KObject, path: string): string {
    return root.type.name === 'Key' ? `${(root.data as KeyData).key.path}\\${path}` : path
  }

  // --- values --------------------------------------------------------------------------------------

  setValue(key: Key, value: RegistryValue): number {
    let status: number = STATUS_SUCCESS
    if (key.deleted) status = STATUS_KEY_DELETED
    else if (value.name.length > VALUE_NAME_MAX) status = STATUS_OBJECT_NAME_INVALID
    else if (value.data.length > 1 << 20) status = STATUS_INSUFFICIENT_RESOURCES
    else {
      const old = key.value(value.name)
      const before = old ? valueBytes(old.name, old.data) : 0
      if (!this.quota.charge(valueBytes(value.name, value.data) - before))
        status = STATUS_REGISTRY_QUOTA_LIMIT
      else if (old) {
        old.type = value.type
        old.data = value.data
      } else key.values.set(upcase(value.name), value)
      if (status === STATUS_SUCCESS) key.lastWrite = this.k.tick
    }
    this.trace('set', key.path, value.name, status, value)
    return status
  }

  queryValue(key: Key, name: string): RegistryValue | number {
    const value = key.deleted
      ? STATUS_KEY_DELETED
      : (key.value(name) ?? STATUS_OBJECT_NAME_NOT_FOUND)
    this.trace('query', key.path, name, typeof value === 'number' ? value : STATUS_SUCCESS)
    return value
  }

  deleteValue(key: Key, name: string): number {
    let status: number = STATUS_SUCCESS
    if (key.deleted) status = STATUS_KEY_DELETED
    else {
      const value = key.value(name)
      if (!value) status = STATUS_OBJECT_NAME_NOT_FOUND
      else {
        key.values.delete(upcase(name))
        this.quota.charge(-valueBytes(value.name, value.data))
        key.lastWrite = this.k.tick
      }
    }
    this.trace('deleteValue', key.path, name, status)
    return status
  }

  /** ZwDeleteKey: a key with subkeys stays. */
  deleteKey(key: Key): number {
    let status: number = STATUS_SUCCESS
    if (key.deleted) status = STATUS_KEY_DELETED
    else if (key.subkeys.size > 0 || !key.parent || !key.parent.parent)
      status = STATUS_CANNOT_DELETE
    this.trace('delete', key.path, null, status)
    if (status === STATUS_SUCCESS) this.removeTree(key)
    return status
  }

  /** Tell an operation; `data` is what a value was set to. */
  trace(
    operation: string,
    key: string,
    value: string | null,
    status: number,
    data?: RegistryValue,
  ): void {
    if (!this.k.tracing || this.k.events === 0) return
    this.k.emit({
      t: 'registry',
      operation,
      key,
      value,
      status: hex32(status),
      ...(data ? { data: describeValue(data) } : {}),
    })
  }
}

/** Bytes of a value that its words show at most. */
const SHOWN_BYTES = 32

/** A value in words: `0x4`, `"text"`, `0A 00 FF`. */
function describeValue({ type, data }: RegistryValue): string {
  if (type === REG_DWORD && data.length === 4)
    return `0x${((data[0]! | (data[1]! << 8) | (data[2]! << 16) | (data[3]! << 24)) >>> 0).toString(16).toUpperCase()}`
  const shown = data.subarray(0, SHOWN_BYTES)
  const more = data.length > SHOWN_BYTES ? ' ...' : ''
  if (type === REG_SZ) {
    let text = ''
    for (let i = 0; i + 1 < shown.length; i += 2)
      text += String.fromCharCode(shown[i]! | (shown[i + 1]! << 8))
    return `"${text.replace(/\0+$/, '')}"${more}`
  }
  const bytes = [...shown].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
  return `${bytes.join(' ')}${more}`
}

/** Bytes and type of a plain value. */
export function encodeValue(value: PlainValue): { type: number; data: Uint8Array } {
  if (typeof value === 'string') return { type: REG_SZ, data: utf16(value + '\0') }
  if (typeof value === 'number')
    return { type: REG_DWORD, data: littleEndian(BigInt(value >>> 0), 4) }
  if (typeof value === 'bigint') return { type: REG_QWORD, data: littleEndian(value, 8) }
  if (value instanceof Uint8Array) return { type: REG_BINARY, data: value.slice() }
  return { type: REG_MULTI_SZ, data: utf16(value.map((item) => item + '\0').join('') + '\0') }
}

function littleEndian(value: bigint, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes)
  let rest = BigInt.asUintN(64, value)
  for (let i = 0; i < bytes; i++) {
    data[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return data
}
