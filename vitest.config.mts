import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// Where the better-sqlite3 lies that fits the Electron the tests run under; scripts/ sets it when
// that is not the one in node_modules. A require hook would not do: vitest imports external
// packages as ES modules.
const sqlite = process.env['RING0_BETTER_SQLITE3']
const alias: Record<string, string> = sqlite ? { 'better-sqlite3': sqlite } : {}

export default defineConfig({
  resolve: { alias },
  test: {
    // Driver code and property tests are slow on a small machine; a hang is still caught.
    testTimeout: 30_000,
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
        test: {
          name: 'node',
          environment: 'node',
          include: ['src/**/*.test.ts', 'samples/**/*.test.ts', 'scripts/**/*.test.mjs'],
          exclude: ['src/renderer/**'],
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
