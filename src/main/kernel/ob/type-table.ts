/** The object types of a machine: made at boot, found by name, by index and by address. */
import { OBJECT_TYPE } from '../../../shared/nt/generated/offsets'
import { initializeListHead } from '../ke/list'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { assert } from '../stop'
import { BODY, NAME_INFO_BYTES, placeText, textBytes, type Headers } from './header'
import { KObject } from './kobject'
import type { NtData } from './nt-data'
import {
  KernelObjectType,
  TYPE_FACTS,
  TYPE_INFO,
  type TypeFacts,
  type TypeName,
} from './object-type'

/** Size of OBJECT_TYPE_INITIALIZER. */
const INITIALIZER_BYTES = 0x78

export class TypeTable {
  readonly types: Readonly<Record<TypeName, KernelObjectType>>
  private readonly byIndex = new Map<number, KernelObjectType>()
  private readonly byAddress = new Map<Ptr, KernelObjectType>()

  constructor(
    private readonly k: Kernel,
    private readonly data: NtData,
    private readonly headers: Headers,
  ) {
    const types = {} as Record<TypeName, KernelObjectType>
    for (const [name, facts] of Object.entries(TYPE_FACTS) as [TypeName, TypeFacts][])
      types[name] = this.make(name, facts)
    this.types = types
  }

  /** OBJECT_TYPE with room for a name before and the name's text behind it. */
  private make(name: TypeName, facts: TypeFacts): KernelObjectType {
    const { memory, pool } = this.k
    const bytes = NAME_INFO_BYTES + BODY + OBJECT_TYPE.SIZE + textBytes(name)
    const block = pool.allocate(bytes, TYPE_FACTS.Type.tag, { system: true })
    assert(block, 'no memory for the object types')
    const address = block + NAME_INFO_BYTES + BODY
    const variable = facts.variable ? this.data.variable(facts.variable, 8) : 0
    if (variable) memory.setPtr(variable, address)
    this.headers.initialize(address, {
      typeIndex: TYPE_FACTS.Type.index,
      permanent: true,
      named: true,
    })
    memory.setU8(address + OBJECT_TYPE.Index, facts.index)
    memory.setU16(address + TYPE_INFO.Length, INITIALIZER_BYTES)
    const { read, write, execute, all } = facts.mapping
    ;[read, write, execute, all].forEach((mask, i) =>
      memory.setU32(address + TYPE_INFO.GenericMapping + 4 * i, mask),
    )
    memory.setU32(address + TYPE_INFO.ValidAccessMask, all)
    initializeListHead(memory, address + OBJECT_TYPE.CallbackList)
    initializeListHead(memory, address + OBJECT_TYPE.TypeList)
    placeText(memory, address + OBJECT_TYPE.Name, address + OBJECT_TYPE.SIZE, name)
    const type = new KernelObjectType(name, facts, address, variable)
    this.byIndex.set(facts.index, type)
    this.byAddress.set(address, type)
    return type
  }

  /** The type objects as objects, of the type Type. */
  objects(): KObject<KernelObjectType>[] {
    return Object.values(this.types).map((type) => {
      this.count(this.types.Type, OBJECT_TYPE.TotalNumberOfObjects, 1)
      const block = type.address - BODY - NAME_INFO_BYTES
      const text = type.address + OBJECT_TYPE.SIZE
      return new KObject(this.types.Type, type.address, block, text, type)
    })
  }

  /** Add to one of a type's counters. */
  count(type: KernelObjectType, counter: number, by: number): void {
    const at = type.address + counter
    this.k.memory.setU32(at, (this.k.memory.u32(at) + by) >>> 0)
  }

  /** The type that an object's header names; undefined when the bytes make no sense. */
  of(object: Ptr): KernelObjectType | undefined {
    return this.byIndex.get(this.headers.typeIndex(object))
  }

  /** The type that a POBJECT_TYPE points at. */
  at(pointer: Ptr): KernelObjectType | undefined {
    return this.byAddress.get(pointer)
  }
}
