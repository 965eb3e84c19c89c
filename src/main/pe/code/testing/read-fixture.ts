/** Reads what the fixtures do, as the reader of whole files calls it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Anomaly, DriverFacts, FileString, Image } from '../../../../shared/driver-file/facts'
import { AnomalyList } from '../../anomalies'
import { Deadline } from '../../deadline'
import { readImage } from '../../image'
import { readStrings } from '../../image/strings'
import { Reader } from '../../reader'
import { readDriver, type ReadDriverOptions } from '..'

const fixtures = resolve(__dirname, '../../../../../data/fixtures')

/** @param path below data/fixtures */
export function fixtureBytes(path: string): Uint8Array {
  return readFileSync(resolve(fixtures, path))
}

/** The image and the strings of a file; fails where the file is no image. */
export function readParts(bytes: Uint8Array): { image: Image; strings: FileString[] } {
  const reading = {
    reader: new Reader(bytes),
    anomalies: new AnomalyList(),
    deadline: new Deadline(10_000),
  }
  const image = readImage(reading)
  if (image === null) throw new Error('not a PE image')
  return { image, strings: readStrings(reading) }
}

export function readFixture(
  path: string,
  options?: ReadDriverOptions,
): { driver: DriverFacts; anomalies: Anomaly[]; image: Image } {
  const bytes = fixtureBytes(path)
  const { image, strings } = readParts(bytes)
  return { ...readDriver(bytes, image, strings, options), image }
}
