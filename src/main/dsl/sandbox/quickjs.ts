/**
 * A QuickJS of its own for each run: fresh WebAssembly instance and memory, shared code.
 *
 * Three things go beyond the public interface of quickjs-emscripten, each with a way back to it:
 * - the compiled module is kept, so that later runs do not compile 440 KiB again;
 * - the memory is ours and of fixed size, so that views of it never detach;
 * - host calls can be taken off the callback table before the library makes objects of the
 *   arguments (see `interceptCalls`): 60 ns instead of 5 us.
 */
import variantModule from '@jitl/quickjs-singlefile-cjs-release-sync'
import {
  newQuickJSWASMModuleFromVariant,
  type EmscriptenModuleLoader,
  type EmscriptenModuleLoaderOptions,
  type QuickJSEmscriptenModule,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core'

export interface QuickJs {
  quickjs: QuickJSWASMModule
  module: QuickJSEmscriptenModule
  memory: WebAssembly.Memory
}

/** What a host call looks like before the library unpacks it: pointers into the memory. */
export type RawCall = (argc: number, argv: number) => void

// Bundlers differ in what the default import of a CommonJS package is.
const variant = ((variantModule as { default?: unknown }).default ??
  variantModule) as QuickJSSyncVariant

let compiled: WebAssembly.Module | null = null
let compiling: Promise<unknown> | null = null

const PAGE_BYTES = 65_536

/** Make an instance with `bytes` of memory, all it will ever have. */
export async function instantiate(bytes: number): Promise<QuickJs> {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  if (compiled === null && compiling === null) {
    const first = keepingModule(() => load(memory))
    compiling = first.catch(() => undefined)
    return first
  }
  await compiling
  return load(memory)
}

async function load(memory: WebAssembly.Memory): Promise<QuickJs> {
  let module: QuickJSEmscriptenModule | undefined
  const quickjs = await newQuickJSWASMModuleFromVariant({
    ...variant,
    importModuleLoader: async () => {
      const loaded = await variant.importModuleLoader()
      const loader = (
        'default' in loaded ? loaded.default : loaded
      ) as EmscriptenModuleLoader<QuickJSEmscriptenModule>
      return async (options?: EmscriptenModuleLoaderOptions) => {
        module = await loader({ ...options, wasmMemory: memory, ...reuse() })
        return module
      }
    },
  })
  if (!module) throw new Error('the QuickJS module did not load')
  return { quickjs, module, memory }
}

/** Emscripten's hook for instantiating a module that is compiled already. */
function reuse(): Partial<EmscriptenModuleLoaderOptions> {
  const module = compiled
  if (module === null) return {}
  return {
    instantiateWasm(imports, onSuccess) {
      const instance = new WebAssembly.Instance(module, imports)
      onSuccess(instance)
      return instance.exports
    },
  }
}

/** The library's loader keeps the compiled module to itself; listen in while it compiles it once. */
async function keepingModule<T>(action: () => Promise<T>): Promise<T> {
  const original = WebAssembly.instantiate
  const listening: typeof original = async (source, imports) => {
    const result = await original.call(WebAssembly, source, imports)
    // Other code may compile something meanwhile; the number of exports tells QuickJS.
    if ('module' in result && WebAssembly.Module.exports(result.module).length > 50)
      compiled ??= result.module
    return result
  }
  WebAssembly.instantiate = listening
  try {
    return await action()
  } finally {
    if (WebAssembly.instantiate === listening) WebAssembly.instantiate = original
  }
}

/**
 * Hand every call of one host function to `handle`, before the library sees it. The function is the
 * one that is called next. Returns whether a call came through.
 * @param probe makes that one call
 */
export function interceptCalls(
  module: QuickJSEmscriptenModule,
  handle: RawCall,
  probe: () => void,
): boolean {
  const callbacks: typeof module.callbacks | undefined = module.callbacks
  const original = callbacks?.callFunction
  if (typeof original !== 'function') return false
  let id: unknown
  // A null pointer means `undefined` to the C side.
  const UNDEFINED = 0 as unknown as ReturnType<typeof original>
  callbacks.callFunction = (asyncify, ctx, self, argc, argv, fn) => {
    id ??= fn
    if (fn !== id) return original(asyncify, ctx, self, argc, argv, fn)
    handle(argc, argv)
    return UNDEFINED
  }
  probe()
  if (id !== undefined) return true
  callbacks.callFunction = original
  return false
}
