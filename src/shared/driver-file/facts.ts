/**
 * What is read from one driver file: plain data, made by `main/pe` and its neighbours, kept by the
 * catalogue, drawn by the window, exported and imported as JSON. zod, because exports come back.
 *
 * Offsets are bytes from the start of the file; RVAs are bytes from the image base; both are
 * numbers. 64-bit values (image base, cookie) are `0x` texts. Hashes are lower-case hex. Times are
 * ISO 8601 in UTC without fractions (`2024-02-03T04:05:06Z`). `null` means "not there"; what could
 * not be read is in `anomalies`.
 */
import { z } from 'zod'

export const FACTS_SCHEMA = 'ring0-driver/1'

// Documents of others are held against these shapes before anything of them is believed: a size is a
// whole number, a name that gets into source text is one word, a time can be read.
const Hex = z
  .string()
  .max(4096)
  .regex(/^[0-9a-f]*$/)
const hexOf = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const Whole = z.number().int().min(0)
const Offset = Whole
const Rva = Whole
const Bits = z.number().min(0).max(8)
const Time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
/** Empty when what stands there is no time. */
const WrittenTime = Time.or(z.literal(''))
/** `IRP_MJ_CREATE`, `FILE_DEVICE_UNKNOWN`. */
const Constant = z.string().regex(/^[A-Z][A-Z0-9_]{0,60}$/)

export const Digests = z.object({ md5: hexOf(32), sha1: hexOf(40), sha256: hexOf(64) })
export type Digests = z.infer<typeof Digests>

/** Something in the file that is not as the format wants it. The reading went on. */
export const Anomaly = z.object({
  /** Stable kebab-case word, for search: `section-beyond-file`, `checksum-mismatch`. */
  id: z.string(),
  /** `note`: unusual; `suspicious`: seen in evasive files; `broken`: some facts are missing for it. */
  severity: z.enum(['note', 'suspicious', 'broken']),
  /** One sentence with the values. */
  text: z.string(),
  offset: Offset.nullable(),
})
export type Anomaly = z.infer<typeof Anomaly>

// ---- the image

export const Section = z.object({
  name: z.string(),
  rva: Rva,
  virtualSize: Whole,
  offset: Offset,
  rawSize: Whole,
  /** Bits per byte over the first min(virtual size, raw size) bytes, four decimals; 0 when empty. */
  entropy: Bits,
  /** `R`, `W`, `X` as set, in this order: `RX`, `RW`. */
  flags: z.string(),
  characteristics: Whole,
})
export type Section = z.infer<typeof Section>

export const ImportedFunction = z.object({
  name: z.string().nullable(),
  ordinal: Whole.nullable(),
  /** RVA of the slot in the import address table. */
  slot: Whole,
})
export const ImportedModule = z.object({
  /** As written in the file: `ntoskrnl.exe`. */
  dll: z.string(),
  delayed: z.boolean(),
  /** Descriptors of one module are merged; functions keep the order of the file. */
  descriptors: Whole,
  functions: z.array(ImportedFunction),
})
export type ImportedModule = z.infer<typeof ImportedModule>

export const Exports = z.object({
  dll: z.string(),
  functions: z.array(
    z.object({
      name: z.string().nullable(),
      ordinal: Whole,
      rva: Rva,
      forwarder: z.string().nullable(),
    }),
  ),
})

export const Resource = z.object({
  /** `RT_VERSION`, or the number or name. */
  type: z.string(),
  name: z.string(),
  language: Whole,
  offset: Offset,
  size: Whole,
})

export const VersionInfo = z.object({
  /** VS_FIXEDFILEINFO as `2.4.1.9`; null when there is none. */
  fileVersion: z.string().nullable(),
  productVersion: z.string().nullable(),
  /** StringFileInfo of the first language: `CompanyName`, `OriginalFilename` and so on. */
  strings: z.record(z.string(), z.string()),
  /** Languages of the string tables as 8 hex digits: `040904b0`. */
  languages: z.array(z.string()),
})

export const DebugEntry = z.object({
  /** `CODEVIEW`, `POGO`, `REPRO`, or the number. */
  type: z.string(),
  time: Time.nullable(),
  /** CodeView only. */
  pdb: z.string().nullable(),
  guid: z.string().nullable(),
  age: Whole.nullable(),
})

export const RichHeader = z.object({
  offset: Offset,
  key: Whole,
  checksumMatches: z.boolean(),
  /** In the order of the file. */
  entries: z.array(z.object({ product: Whole, build: Whole, count: Whole })),
  /** Digests of the decoded header, as pefile counts them (RichHash). */
  hash: Digests,
})

export const LoadConfig = z.object({
  size: Whole,
  securityCookie: z.string().nullable(),
  /** Control Flow Guard: GuardFlags has CF_INSTRUMENTED. */
  cfg: z.boolean(),
  guardFlags: Whole,
  guardFunctions: Whole,
})

export const Image = z.object({
  /** `AMD64`, `I386`, `ARM64`, `IA64`, `ARMNT`, or `0x` and the number. */
  machine: z.string(),
  is64Bit: z.boolean(),
  /** 1 is NATIVE, what kernel drivers have. */
  subsystem: Whole,
  /** Names without their IMAGE_FILE_ and IMAGE_DLLCHARACTERISTICS_ beginnings. */
  characteristics: z.array(z.string()),
  dllCharacteristics: z.array(z.string()),
  imageBase: z.string(),
  /** RVA, 0 for none. */
  entryPoint: Whole,
  sizeOfImage: Whole,
  sizeOfHeaders: Whole,
  sectionAlignment: Whole,
  fileAlignment: Whole,
  linkerVersion: z.string(),
  osVersion: z.string(),
  subsystemVersion: z.string(),
  /** COFF time stamp; null when it is 0 or `timeIsHash`. */
  compiled: Time.nullable(),
  timestamp: Whole,
  /** A reproducible build: the stamp is a hash, not a time. */
  timeIsHash: z.boolean(),
  checksum: z.object({ reported: Whole, computed: Whole, matches: z.boolean() }),
  sections: z.array(Section),
  directories: z.array(z.object({ name: z.string(), rva: Rva, size: Whole })),
  imports: z.array(ImportedModule),
  importDescriptors: Whole,
  imphash: hexOf(32).nullable(),
  exports: Exports.nullable(),
  resources: z.array(Resource),
  version: VersionInfo.nullable(),
  debug: z.array(DebugEntry),
  rich: RichHeader.nullable(),
  relocations: z.object({ blocks: Whole, entries: Whole }).nullable(),
  loadConfig: LoadConfig.nullable(),
  /** Bytes after the last section that are no certificate table. */
  overlay: z.object({ offset: Offset, size: Whole, entropy: Bits }).nullable(),
  /** The attribute certificate table. */
  certificateTable: z.object({ offset: Offset, size: Whole }).nullable(),
  authentihash: Digests.nullable(),
  /** Hash of the first page as code integrity policies name it. */
  pageHash: z.object({ sha1: hexOf(40), sha256: hexOf(64) }).nullable(),
})
export type Image = z.infer<typeof Image>

/** One value for each block of the file, for the picture of it. */
export const EntropyMap = z.object({ blockSize: Whole, values: z.array(Bits) })
export type EntropyMap = z.infer<typeof EntropyMap>

export const STRING_CLASSES = [
  'device',
  'symbolic-link',
  'registry',
  'path',
  'pdb',
  'url',
  'ip',
  'domain',
  'sddl',
  'guid',
  'process',
  'security-product',
  'routine',
  'format',
] as const
export const FileString = z.object({
  offset: Offset,
  encoding: z.enum(['ascii', 'utf16']),
  text: z.string(),
  classes: z.array(z.enum(STRING_CLASSES)),
})
export type FileString = z.infer<typeof FileString>

// ---- the signature

export const Certificate = z.object({
  /** Distinguished names as `CN=..., O=..., C=...`. */
  subject: z.string(),
  subjectName: z.string(),
  issuer: z.string(),
  issuerName: z.string(),
  serial: Hex,
  from: WrittenTime,
  to: WrittenTime,
  isCa: z.boolean(),
  isSelfSigned: z.boolean(),
  /** `1.3.6.1.5.5.7.3.3` with its name where it has one. */
  eku: z.array(z.object({ oid: z.string(), name: z.string() })),
  signatureAlgorithm: z.string(),
  /** `RSA 2048`, `EC P-256`. */
  key: z.string(),
  thumbprint: z.object({ sha1: hexOf(40), sha256: hexOf(64) }),
  /** Digests of the to-be-signed part; `algorithm` is the one that block lists use. */
  tbs: Digests.extend({ sha384: hexOf(96), algorithm: Hex }),
})
export type Certificate = z.infer<typeof Certificate>

export const TimeStamp = z.object({
  kind: z.enum(['pkcs9', 'rfc3161']),
  /** The claimed time of signing: TSTInfo.genTime or the signing-time attribute. */
  time: WrittenTime,
  /** Its own signature fits, and it covers this signature. */
  verifies: z.boolean(),
  digestAlgorithm: z.string(),
  /** Leaf first, as far as the chain is given. */
  chain: z.array(Certificate),
  /** The root it ends at is one of the time-stamp roots that Windows ships with. */
  rootIsKnown: z.boolean(),
  /** How it was recognised; `name` is weak: the root was not given and its key is not on file. */
  rootBasis: z.enum(['thumbprint', 'tbs', 'key', 'name']).nullable().optional(),
  /** The last name of the chain: the root, or the issuer nobody gave. */
  rootName: z.string(),
})
export type TimeStamp = z.infer<typeof TimeStamp>

export const SIGNATURE_KINDS = [
  'whcp',
  'attestation',
  'windows',
  'cross-signed',
  'test',
  'self-signed',
  'unknown',
] as const
export const SignatureKind = z.enum(SIGNATURE_KINDS)
export type SignatureKind = z.infer<typeof SignatureKind>

export const Signature = z.object({
  source: z.enum(['embedded', 'nested', 'catalogue']),
  /** File name of the catalogue, for `catalogue`. */
  catalogue: z.string().nullable(),
  kind: SignatureKind,
  /** Why it is of this kind, in one sentence. */
  reason: z.string(),
  digestAlgorithm: z.string(),
  /** What the signature says the image's digest is, and whether it is. */
  digest: Hex,
  digestMatches: z.boolean(),
  /** The signer's signature over its attributes fits its certificate. */
  verifies: z.boolean(),
  programName: z.string().nullable(),
  programUrl: z.string().nullable(),
  /** Leaf first, then its issuers as far as they are given. */
  chain: z.array(Certificate),
  /** All certificates of the message that are not in `chain` or a time stamp's. */
  others: z.array(Certificate),
  /** The chain is complete: it ends in a self-signed certificate. */
  chainIsComplete: z.boolean(),
  timeStamp: TimeStamp.nullable(),
})
export type Signature = z.infer<typeof Signature>

export const EVIDENCE_IDS = [
  'compiled-after-signer-expired',
  'compiled-after-claimed-signing-time',
  'pre-2015-07-29-exemption-claimed',
  'untrusted-timestamp-root',
  'timestamp-root-on-indicator-list',
  'timestamp-certificate-not-valid-at-claimed-time',
  'sha1-digest',
  'digest-mismatch',
  'signature-does-not-verify',
] as const
/** One observation about the signature and its times, with what it rests on. Never a verdict. */
export const Evidence = z.object({
  id: z.enum(EVIDENCE_IDS),
  text: z.string(),
  /** What speaks against it being forgery, or what the reader should check; empty for none. */
  caveat: z.string(),
  data: z.record(z.string(), z.string()),
  /** Index into `signatures`. */
  signature: Whole,
})
export type Evidence = z.infer<typeof Evidence>

// ---- the driver

export const DRIVER_TYPES = [
  'WDM',
  'KMDF',
  'UMDF',
  'minifilter',
  'legacy-filter',
  'NDIS',
  'WFP',
  'stream',
  'storport',
  'display',
] as const
export const DriverType = z.enum(DRIVER_TYPES)

export const IOCTL_METHODS = [
  'METHOD_BUFFERED',
  'METHOD_IN_DIRECT',
  'METHOD_OUT_DIRECT',
  'METHOD_NEITHER',
] as const

export const IoctlCode = z.object({
  /** Eight digits, upper case: `0x80102040`. */
  code: z.string().regex(/^0x[0-9A-F]{8}$/),
  deviceType: Whole,
  /** `FILE_DEVICE_UNKNOWN`, or null for a vendor's own number. */
  deviceTypeName: Constant.nullable(),
  function: Whole,
  method: z.enum(IOCTL_METHODS),
  /** `FILE_ANY_ACCESS`, `FILE_READ_ACCESS`, `FILE_WRITE_ACCESS`, or both joined by `|`. */
  access: z.string().regex(/^FILE_[A-Z_|]{1,60}$/),
  /** RVA of the instruction that tells the code from others. */
  rva: Rva,
  /** RVA of the code that handles it, when it was found. */
  handler: Rva.nullable(),
  how: z.enum(['compare', 'subtract', 'jump-table', 'binary-search', 'constant']),
  /** `high`: in the IRP_MJ_DEVICE_CONTROL routine; `medium`: reached from it; `low`: elsewhere. */
  confidence: z.enum(['high', 'medium', 'low']),
})
export type IoctlCode = z.infer<typeof IoctlCode>

const Named = z.object({ text: z.string(), offset: Offset.nullable() })

export const DriverFacts = z.object({
  types: z.array(z.object({ type: DriverType, evidence: z.string() })),
  deviceNames: z.array(Named),
  symbolicLinks: z.array(Named),
  sddl: z.array(Named),
  /** How the device is guarded, in one sentence; null when no device is made. */
  deviceSecurity: z.string().nullable(),
  /** RVA of DriverEntry behind compiler stubs; null when there is no entry point. */
  driverEntry: Rva.nullable(),
  driverUnload: Rva.nullable(),
  addDevice: Rva.nullable(),
  majorFunctions: z.array(
    z.object({
      index: Whole.max(27),
      /** `IRP_MJ_DEVICE_CONTROL`. */
      name: Constant,
      handler: Rva,
      /** RVA of the instruction that stores the handler. */
      rva: Rva,
    }),
  ),
  ioctls: z.array(IoctlCode),
  privileged: z.array(
    z.object({
      /** `rdmsr`, `wrmsr`, `in`, `out`, `mov cr0`, `cli`. */
      instruction: z.string(),
      rva: Rva,
      text: z.string(),
    }),
  ),
  /** Functions looked up by name at run time (MmGetSystemRoutineAddress), as far as names are seen. */
  resolvedRoutines: z.array(z.string()),
  code: z.object({
    instructions: Whole,
    functions: Whole,
    isComplete: z.boolean(),
    /** Why not complete, or why there is nothing: machine not disassembled, limit reached. */
    note: z.string().nullable(),
  }),
})
export type DriverFacts = z.infer<typeof DriverFacts>

export const CapabilityMatch = z.object({
  /** File name of the rule without its ending: `map-physical-memory`. */
  id: z.string(),
  name: z.string(),
  axis: z.enum(['hardware', 'telemetry']),
  attack: z.array(z.object({ id: z.string(), name: z.string() })),
  references: z.array(z.string()),
  description: z.string(),
  evidence: z.array(z.object({ text: z.string(), rva: Rva.nullable(), offset: Offset.nullable() })),
  /**
   * Shares of known samples, 0 to 1, that import the function named first in `evidence`: the rarest
   * among the evidence. The rule as a whole can only be rarer. Null when the match rests on no
   * import that the reference data counts.
   */
  baseRate: z
    .object({ vulnerable: z.number().min(0).max(1), malicious: z.number().min(0).max(1) })
    .nullable(),
})
export type CapabilityMatch = z.infer<typeof CapabilityMatch>

/** Everything about one file. */
export const FileFacts = z.object({
  schema: z.literal(FACTS_SCHEMA),
  size: Whole,
  hashes: Digests,
  /** With its `T1` beginning; null for files too small or too uniform. */
  tlsh: z.string().nullable(),
  entropy: EntropyMap,
  image: Image.nullable(),
  strings: z.array(FileString),
  signatures: z.array(Signature),
  evidence: z.array(Evidence),
  driver: DriverFacts.nullable(),
  capabilities: z.array(CapabilityMatch),
  anomalies: z.array(Anomaly),
})
export type FileFacts = z.infer<typeof FileFacts>
