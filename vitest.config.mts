import { availableParallelism } from 'node:os'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Where the better-sqlite3 lies that fits the Electron the tests run under; scripts/ sets it when
// that is not the one in node_modules. A require hook would not do: vitest imports external
// packages as ES modules.
const sqlite = process.env['RING0_BETTER_SQLITE3']
const alias: Record<string, string> = sqlite ? { 'better-sqlite3': sqlite } : {}

/** Files that take longest, longest first: one that began last would keep one core waiting. */
const LONGEST = [
  'src/main/lab/mutations.test.ts',
  'src/main/lab/samples.test.ts',
  'src/main/lab/replay.test.ts',
  'src/main/kernel/hostile-calls.test.ts',
  'src/renderer/src/app.test.ts',
  'src/renderer/src/features/files/file-shelf.test.ts',
  'src/main/intake/import.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(path))
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

/** Tests of code that keeps nothing outside of what it makes: they share a process, loaded once. */
const PURE = [
  'src/shared/**/*.test.ts',
  ...['kernel', 'lab', 'pe', 'dsl', 'known'].map((part) => `src/main/${part}/**/*.test.ts`),
]
/** Those among them that replace modules, or look at the memory of their process. */
const ON_THEIR_OWN = [
  'src/main/dsl/check/imports.test.ts',
  'src/main/dsl/sandbox/*.test.ts',
  'src/main/lab/replay.test.ts',
]

export default defineConfig({
  resolve: { alias },
  test: {
    // Far above what any test takes on a machine with much else to do; a hang is still found.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    // Vitest leaves a core to itself otherwise, which on two is half of them.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    setupFiles: ['scripts/lib/property-seed.mjs'],
    passWithNoTests: true,
    coverage: {
      provider: 'v8',
      reportsDirectory: 'coverage',
      reporter: ['text-summary', 'html', 'json-summary'],
      include: ['src/**/*.{ts,vue}'],
      exclude: ['src/**/*.test.ts', 'src/**/*.d.ts', 'src/**/*.generated.ts'],
    },
    projects: [
      {
        extends: true,
        test: { name: 'pure', isolate: false, include: PURE, exclude: ON_THEIR_OWN },
      },
      { extends: true, test: { name: 'alone', include: ON_THEIR_OWN } },
      {
        extends: true,
        test: {
          name: 'node',
          include: ['src/**/*.test.ts', 'samples/**/*.test.ts', 'scripts/**/*.test.mjs'],
          exclude: ['src/renderer/**', ...PURE],
        },
      },
      {
        extends: true,
        plugins: [vue()],
        test: {
          name: 'renderer',
          environment: 'happy-dom',
          include: ['src/renderer/**/*.test.ts'],
        },
      },
    ],
  },
})
