/** How common an imported function is among known drivers: data/loldrivers/import-frequency.csv. */

/** Samples of the reference data that have an import list. */
export const REFERENCE_SAMPLES = { vulnerable: 1770, malicious: 321 } as const

export interface BaseRate {
  /** Shares from 0 to 1. */
  vulnerable: number
  malicious: number
  /** Samples of either kind that import the function. */
  samples: number
}
/** By name of the function, as imported. */
export type BaseRates = ReadonlyMap<string, BaseRate>

/**
 * Read the table. Functions that are not in it were seen once or never; nothing is said of them.
 * @param csv `function,samples,malicious_samples,vulnerable_samples`; lines that are not are skipped
 */
export function readBaseRates(csv: string): BaseRates {
  const rates = new Map<string, BaseRate>()
  for (const line of csv.split('\n')) {
    const [, name, all, malicious, vulnerable] =
      /^([\w@?$.]+),(\d+),(\d+),(\d+)\r?$/.exec(line) ?? []
    if (name === undefined) continue
    rates.set(name, {
      vulnerable: Number(vulnerable) / REFERENCE_SAMPLES.vulnerable,
      malicious: Number(malicious) / REFERENCE_SAMPLES.malicious,
      samples: Number(all),
    })
  }
  return rates
}
