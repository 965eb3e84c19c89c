/** The part of libyara-wasm that is used; the package has no types of its own. */
declare module 'libyara-wasm' {
  /** A C++ vector; `delete` frees it. */
  export interface YaraVector<T> {
    size(): number
    get(index: number): T
    delete(): void
  }
  export interface YaraModule {
    HEAP8: Int8Array
    run(
      bytes: Uint8Array,
      rules: string,
    ): {
      compileErrors: YaraVector<{ message: string; lineNumber: number; warning: boolean }>
      matchedRules: YaraVector<{
        ruleName: string
        resolvedMatches: YaraVector<{
          location: number
          matchLength: number
          stringIdentifier: string
        }>
        metadata: YaraVector<{ identifier: string; data: string }>
      }>
      consoleLogs: YaraVector<string>
      delete(): void
    }
  }
  export default function createYara(options: {
    print(text: string): void
    printErr(text: string): void
  }): Promise<YaraModule>
}
