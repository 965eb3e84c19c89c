/** The part of WebAssembly's interface that is used here; it is otherwise declared for browsers only. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>
  type Exports = Record<string, unknown>
  class Module {
    constructor(code: Uint8Array<ArrayBuffer>)
    static exports(module: Module): { name: string; kind: string }[]
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  interface Instantiated {
    module: Module
    instance: Instance
  }
  function instantiate(
    source: ArrayBuffer | ArrayBufferView | Module,
    imports?: Imports,
  ): Promise<Instantiated | Instance>
}
