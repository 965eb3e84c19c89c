/**
 * The object namespace: directories, symbolic links, and the way from a path to an object.
 *
 * Names keep their case and are compared without it. `\DosDevices` and `\??` lead to `\GLOBAL??`,
 * where the links that programs see live; first of all to the directory of the logon session that the
 * current process belongs to (`\Sessions\0\DosDevices\...`), where its own links live. A look-up stops at the first object that is neither a
 * directory nor a link; what is left of the path is its remainder (`\sub\x` of `\Device\A\sub\x`).
 */
import {
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_NOT_FOUND,
  STATUS_OBJECT_PATH_SYNTAX_BAD,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { upcase } from '../rtl/upcase'
import { assert } from '../stop'
import { Directory } from './directory'
import { placeText } from './header'
import type { KObject } from './kobject'
import type { ObjectManager } from './object'
import { SessionDevices } from './session-devices'

/** Links that one look-up follows before it gives up, as on Windows. */
const LINKS_MAX = 32
/** OBJECT_DIRECTORY; its hash table stays empty here. */
const DIRECTORY_BYTES = 0x158
/** OBJECT_SYMBOLIC_LINK: LinkTarget lies at 8; the characters follow the structure here. */
const LINK_BYTES = 0x28
const LINK_TARGET = 8

const BOOT_DIRECTORIES = [
  '\\Device',
  '\\Driver',
  '\\FileSystem',
  '\\GLOBAL??',
  '\\ObjectTypes',
  '\\BaseNamedObjects',
  '\\KernelObjects',
  '\\Callback',
] as const

export { Directory } from './directory'

/** Companion of a symbolic link. */
export interface LinkData {
  /** Name as its creator wrote it, `\DosDevices\X`. */
  shown: string
  /** Driver whose code made it; null for the system's own. */
  driver: string | null
}

export interface LookupResult {
  /** STATUS_SUCCESS, or why nothing was found. */
  status: number
  object: KObject | null
  /** Rest of the path, with its leading backslash; empty when the path is used up. */
  remainder: string
}

export interface LookupOptions {
  /** Directory or key that a relative path starts at. */
  root?: KObject | null
  /** Stop at a symbolic link in the last part instead of following it. */
  openLink?: boolean
}

export class Namespace {
  readonly root: Directory
  private readonly sessions: SessionDevices
  /** Symbolic links that drivers made, while they have their names. */
  private readonly driverLinks = new Set<KObject<LinkData>>()

  constructor(
    private readonly k: Kernel,
    private readonly ob: ObjectManager,
  ) {
    this.root = new Directory()
    this.sessions = new SessionDevices(k, (path) => this.createDirectory(path))
    // The root has a name and no directory that holds it.
    this.root.object = ob.createSystem('Directory', DIRECTORY_BYTES, { data: this.root })
    this.root.object.leaf = '\\'
  }

  createBootDirectories(): void {
    for (const path of BOOT_DIRECTORIES) assert(this.createDirectory(path), path)
    for (const type of Object.values(this.ob.types)) {
      const object = this.ob.lookup(type.address)!
      const directory = this.ob.find('\\ObjectTypes')!.data as Directory
      this.ob.nameObject(object, directory, type.name)
      directory.add(type.name, object)
    }
    this.createSymbolicLink('\\??', '\\GLOBAL??')
    this.createSymbolicLink('\\DosDevices', '\\??')
    this.createSymbolicLink('\\GLOBAL??\\GLOBALROOT', '')
    this.createSymbolicLink('\\GLOBAL??\\Global', '\\GLOBAL??')
  }

  /** A directory object; null when the name is taken or the path is bad. */
  createDirectory(path: string): KObject | null {
    const data = new Directory()
    const object = this.ob.create('Directory', DIRECTORY_BYTES, { name: path, data })
    if (typeof object === 'number') return null
    data.object = object
    return object
  }

  // --- look-up -----------------------------------------------------------------------------------

  lookup(path: string, options: LookupOptions = {}): LookupResult {
    let rest = path
    let start: KObject = this.root.object
    if (options.root) {
      if (rest.startsWith('\\')) return failed(STATUS_OBJECT_PATH_SYNTAX_BAD)
      start = options.root
      if (rest === '') return { status: STATUS_SUCCESS, object: start, remainder: '' }
      rest = '\\' + rest
    } else if (!rest.startsWith('\\')) return failed(STATUS_OBJECT_PATH_SYNTAX_BAD)
    else if (rest === '\\') return { status: STATUS_SUCCESS, object: start, remainder: '' }

    let links = 0
    let object = start
    for (;;) {
      if (object.type.name === 'SymbolicLink' && !(options.openLink && rest === '')) {
        if (++links > LINKS_MAX) return failed(STATUS_OBJECT_NAME_NOT_FOUND)
        rest = this.linkTarget(object) + rest
        object = this.root.object
        if (rest === '' || rest === '\\') return { status: STATUS_SUCCESS, object, remainder: '' }
        if (!rest.startsWith('\\')) return failed(STATUS_OBJECT_PATH_SYNTAX_BAD)
        continue
      }
      if (rest === '' || object.type.name !== 'Directory')
        return { status: STATUS_SUCCESS, object, remainder: rest }
      const end = rest.indexOf('\\', 1)
      const part = end < 0 ? rest.slice(1) : rest.slice(1, end)
      if (part === '') return failed(STATUS_OBJECT_NAME_INVALID)
      const local = object === this.root.object && isDevices(part) ? this.sessions.current : null
      if (local && end >= 0 && local.get(firstPart(rest.slice(end)))) {
        object = local.object
        rest = rest.slice(end)
        continue
      }
      const next = (object.data as Directory).get(part)
      if (!next)
        return failed(end < 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND)
      rest = end < 0 ? '' : rest.slice(end)
      object = next
    }
  }

  // --- names -------------------------------------------------------------------------------------

  /** Give an object its name. The directories of the path have to exist. */
  insert(path: string, object: KObject, root?: KObject | null): number {
    const cut = path.lastIndexOf('\\')
    const leaf = path.slice(cut + 1)
    let parent: KObject | null
    if (root && cut < 0) parent = root
    else {
      if (!root && !path.startsWith('\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD
      if (leaf === '') return STATUS_OBJECT_NAME_INVALID
      const found = this.lookup(cut <= 0 ? '\\' : path.slice(0, cut), { root: root ?? null })
      if (!found.object)
        return found.status === STATUS_OBJECT_NAME_NOT_FOUND
          ? STATUS_OBJECT_PATH_NOT_FOUND
          : found.status
      parent = found.object
      if (found.remainder !== '') return STATUS_OBJECT_TYPE_MISMATCH
      if (!root && DEVICE_DIRECTORIES.has(upcase(path.slice(0, cut))))
        parent = this.sessions.forInsert()?.object ?? parent
    }
    if (parent.type.name !== 'Directory') return STATUS_OBJECT_TYPE_MISMATCH
    if (leaf === '') return STATUS_OBJECT_NAME_INVALID
    const directory = parent.data as Directory
    if (directory.get(leaf)) return STATUS_OBJECT_NAME_COLLISION
    this.ob.nameObject(object, directory, leaf)
    directory.add(leaf, object)
    return STATUS_SUCCESS
  }

  /** Take a name out. The reference that came with it is the caller's to drop. */
  remove(object: KObject): void {
    const { directory, leaf } = object
    if (object.type.name === 'SymbolicLink') this.driverLinks.delete(object as KObject<LinkData>)
    object.formerName = object.name
    if (directory && leaf !== null) directory.delete(leaf)
    object.directory = null
    object.leaf = null
  }

  // --- symbolic links ------------------------------------------------------------------------------

  /** Where a link leads: the string in memory, as the look-up uses it. */
  linkTarget(link: KObject): string {
    const { memory } = this.k
    const at = link.address + LINK_TARGET
    const length = memory.u16(at)
    return length === 0 ? '' : memory.text16(memory.ptr(at + 8), length)
  }

  /** IoCreateSymbolicLink; the target need not exist. Emits `link.created`. */
  createSymbolicLink(path: string, target: string): number {
    const { k } = this
    const thread = k.scheduler?.current
    const data: LinkData = { shown: path, driver: (thread && k.driverOf(thread)) ?? null }
    const link = this.ob.create('SymbolicLink', LINK_BYTES + target.length * 2 + 2, {
      name: path,
      data,
    })
    if (typeof link === 'number') return link
    placeText(this.k.memory, link.address + LINK_TARGET, link.address + LINK_BYTES, target)
    if (k.tracing && k.events > 0) k.emit({ t: 'link.created', link: path, target })
    if (data.driver !== null) this.driverLinks.add(link)
    // The name holds it from here on.
    this.ob.release(link.address)
    return STATUS_SUCCESS
  }

  /** IoDeleteSymbolicLink. Emits `link.deleted`. */
  deleteSymbolicLink(path: string): number {
    const { k } = this
    const found = this.lookup(path, { openLink: true })
    if (!found.object) return found.status
    if (found.remainder !== '' || found.object.type.name !== 'SymbolicLink')
      return STATUS_OBJECT_TYPE_MISMATCH
    const { shown } = found.object.data as LinkData
    this.ob.makeTemporary(found.object.address)
    if (k.tracing) k.emit({ t: 'link.deleted', link: shown })
    return STATUS_SUCCESS
  }

  /** Links that drivers made and did not delete. */
  links(): KObject<LinkData>[] {
    return [...this.driverLinks]
  }
}

/** What leads to the links that programs see. */
const DEVICE_DIRECTORIES = new Set(['\\??', '\\DOSDEVICES'])

function isDevices(part: string): boolean {
  return DEVICE_DIRECTORIES.has(`\\${upcase(part)}`)
}

/** `x` of `\x\y`. */
function firstPart(rest: string): string {
  const end = rest.indexOf('\\', 1)
  return end < 0 ? rest.slice(1) : rest.slice(1, end)
}

function failed(status: number): LookupResult {
  return { status, object: null, remainder: '' }
}
