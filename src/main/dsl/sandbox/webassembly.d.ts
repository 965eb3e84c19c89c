/** The part of WebAssembly's interface that the sandbox uses; it is otherwise declared for browsers only. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>
  type Exports = Record<string, unknown>
  class Module {
    private constructor()
    static exports(module: Module): { name: string; kind: string }[]
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number })
    readonly buffer: ArrayBuffer
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
