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
  { name: '@fontsource/inter', licence: 'OFL-1.1' },
  { name: '@fontsource/jetbrains-mono', licence: 'OFL-1.1' },
]
