/** The companion of an object: what the kernel knows about it besides its bytes. */
import type { KernelRoutine } from '../ddi/types'
import type { Ptr } from '../mm/memory'
import type { Directory } from './namespace'
import type { KernelObjectType } from './object-type'

/** What the kernel knows about an object besides its bytes. */
export class KObject<D = unknown> {
  /** Directory that holds its name, while it has one. */
  directory: Directory | null = null
  /** Last part of its name; null for an unnamed object. */
  leaf: string | null = null
  /** Full path that it had when its name was taken away. */
  formerName: string | null = null

  constructor(
    readonly type: KernelObjectType,
    /** Body. */
    readonly address: Ptr,
    /** First byte of the allocation. */
    readonly block: Ptr,
    /** Where the characters of its name lie; 0 for an object made without one. */
    readonly text: Ptr,
    /** The component's own companion. */
    public data: D,
    /** Clean-up of this one object; set by `create`. */
    public onDelete: (() => KernelRoutine<void> | void) | null = null,
    /** What follows the close of its last handle, besides what its type does; set by `create`. */
    public onLastHandleClosed: (() => KernelRoutine<void>) | null = null,
  ) {}

  /** Full path, or null when it has no name. */
  get name(): string | null {
    if (this.leaf === null) return null
    if (!this.directory) return this.leaf
    const parent = this.directory.object.name
    return parent === '\\' ? parent + this.leaf : `${parent}\\${this.leaf}`
  }
}

export interface CreateOptions<D> {
  /** Absolute path to insert the object at. */
  name?: string | null
  data?: D
  /** Runs before the type's own delete procedure. */
  onDelete?: (object: KObject<D>) => KernelRoutine<void> | void
  /** Runs when its last handle is closed, after the type's own procedure for that. */
  onLastHandleClosed?: () => KernelRoutine<void>
  /** Keep the name without handles; by default as the type does. */
  permanent?: boolean
}
