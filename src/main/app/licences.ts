/** Whose work is inside the app, for the About box. A test compares the list with the packages. */

export const LICENCES: readonly { name: string; licence: string }[] = [
  { name: 'electron', licence: 'MIT' },
  { name: 'better-sqlite3', licence: 'MIT' },
  { name: 'vue', licence: 'MIT' },
  { name: 'pinia', licence: 'MIT' },
  { name: 'monaco-editor', licence: 'MIT' },
  { name: 'typescript', licence: 'Apache-2.0' },
  { name: 'quickjs-emscripten-core', licence: 'MIT' },
  { name: '@jitl/quickjs-singlefile-cjs-release-sync', licence: 'MIT' },
  { name: 'zod', licence: 'MIT' },
  { name: '@vueuse/core', licence: 'MIT' },
  { name: '@lucide/vue', licence: 'ISC' },
  { name: 'magic-string', licence: 'MIT' },
  { name: 'ts-blank-space', licence: 'Apache-2.0' },
  { name: 'iced-x86', licence: 'MIT' },
  { name: 'libyara-wasm', licence: 'ISC' },
  { name: '@zip.js/zip.js', licence: 'BSD-3-Clause' },
  { name: 'fast-xml-parser', licence: 'MIT' },
  { name: 'yaml', licence: 'ISC' },
  { name: '@fontsource/inter', licence: 'OFL-1.1' },
  { name: '@fontsource/jetbrains-mono', licence: 'OFL-1.1' },
]

/** Data of others that ships with the app; README files in data/ say where each comes from. */
export const DATA_LICENCES: readonly { name: string; licence: string }[] = [
  { name: 'Data: LOLDrivers (magicsword-io)', licence: 'Apache-2.0' },
  {
    name: 'Data: certificate authorities of Mozilla’s list, as Debian ships it',
    licence: 'MPL-2.0',
  },
]
