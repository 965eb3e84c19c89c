/**
 * What a capability rule is, once it has been read from its file. The files are shaped after capa's
 * (https://github.com/mandiant/capa-rules/blob/master/doc/format.md): `rule.meta` says what it is,
 * `rule.features` is a tree of statements whose leaves are facts about a driver.
 */
import type { CapabilityMatch, FileString } from '../../../shared/driver-file/facts'
import type { TextPattern } from './pattern'

/** Leaves that hold one text against a list of facts. */
export const TEXT_LEAVES = [
  /** A function in the import tables. */
  'import',
  /** Any import from a module: `FLTMGR.SYS`. */
  'module',
  /** A routine looked up by name at run time. */
  'resolved',
  /** Either of the two: the driver can call it. */
  'api',
  /** A whole text in the file. */
  'string',
  /** A part of a text in the file. */
  'substring',
  /** A privileged instruction by its name, `mov cr0`, or its whole text by a regular expression. */
  'instruction',
  'driver type',
  'device name',
  'symbolic link',
  'major function',
  'export',
  'section',
  /** Kind of a signature: `attestation`. */
  'signature',
] as const
export type TextLeaf = (typeof TEXT_LEAVES)[number]

export type Statement =
  | { kind: 'and' | 'or'; of: Statement[] }
  | { kind: 'at least'; count: number; of: Statement[] }
  | { kind: 'not'; of: Statement }
  /** Always holds; what it finds is evidence all the same. */
  | { kind: 'optional'; of: Statement[] }
  | { kind: 'leaf'; leaf: TextLeaf; pattern: TextPattern }
  /** At least so many different texts of a class. */
  | { kind: 'string class'; class: FileString['classes'][number]; count: number }
  /** An IOCTL code for which all of these hold: `METHOD_NEITHER`, `FILE_ANY_ACCESS`. */
  | { kind: 'ioctl'; words: string[] }

export interface CapabilityRule extends Pick<
  CapabilityMatch,
  'id' | 'name' | 'axis' | 'attack' | 'references' | 'description'
> {
  features: Statement[]
}
