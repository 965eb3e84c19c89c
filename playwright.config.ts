import { defineConfig } from '@playwright/test'

// Electron windows compete for the display's focus and for two cores: one at a time. A flaky test
// is a bug report, so there are no retries.
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'reports/e2e',
  workers: 1,
  retries: 0,
  // Far above what anything takes on a machine with much else to do; a hang is still found.
  timeout: 300_000,
  expect: { timeout: 45_000 },
  forbidOnly: Boolean(process.env['CI']),
  reporter: [['list'], ['json', { outputFile: 'reports/e2e.json' }]],
  use: { trace: 'off', screenshot: 'off' },
})
