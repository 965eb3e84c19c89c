/** What the readers of the parts of an image share. */
import type { AnomalyList } from '../anomalies'
import type { Deadline } from '../deadline'
import type { Mapping } from '../mapping'
import type { Reader } from '../reader'
import type { Directory, Headers } from './headers'

export interface Reading {
  reader: Reader
  anomalies: AnomalyList
  deadline: Deadline
}

/** Once the headers are read, addresses mean something. */
export interface ImageReading extends Reading {
  headers: Headers
  mapping: Mapping
}

/** A directory that is there: its address is in the file. */
export interface Place extends Directory {
  offset: number
}

/**
 * Find a directory in the file.
 * @returns null when the image has none, and with an anomaly when its address leads nowhere
 */
export function findDirectory(reading: ImageReading, name: string): Place | null {
  const directory = reading.headers.directories.find((candidate) => candidate.name === name)
  if (!directory) return null
  const offset = reading.mapping.offsetOf(directory.rva)
  if (offset !== null) return { ...directory, offset }
  reading.anomalies.broken(
    'directory-outside',
    `The ${name} directory at RVA ${directory.rva} lies in no bytes of the file.`,
  )
  return null
}

/** A COFF time stamp, seconds since 1970, as ISO 8601 in UTC; null for 0. */
export function coffTime(seconds: number): string | null {
  // 32 bits reach to 2106: the years have four digits.
  return seconds === 0 ? null : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
