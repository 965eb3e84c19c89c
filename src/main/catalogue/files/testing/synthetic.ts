/**
 * Facts of driver files that never were, with the distributions of a real shelf: imports as often as
 * reference data has them, families that share signer, build folder and most bytes, a long tail of
 * names. The same number gives the same file.
 */
import { createHash } from 'node:crypto'
import type {
  Certificate,
  FileFacts,
  IoctlCode,
  Signature,
} from '../../../../shared/driver-file/facts'
import type { LandedFile } from '../../../../shared/driver-file/intake'

/** Small, quick and good enough (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const hash = (algorithm: string, text: string): string =>
  createHash(algorithm).update(text).digest('hex')
export const digestsOf = (text: string): FileFacts['hashes'] => ({
  md5: hash('md5', text),
  sha1: hash('sha1', text),
  sha256: hash('sha256', text),
})

const SYLLABLES =
  'ar bel cor dan el fin gor hal in jo kar lum mon ner os pra quin ros sel tor un ver wil xan yor zen micro net sys drv tech soft data win hard ware'.split(
    ' ',
  )
const word = (random: () => number, parts: number): string =>
  Array.from({ length: parts }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('')
const title = (text: string): string => text[0]!.toUpperCase() + text.slice(1)

const isoOf = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

export const CAPABILITIES = Array.from({ length: 40 }, (_, at) => ({
  id: `capability-${at + 1}`,
  name: `Capability number ${at + 1}`,
}))

const TYPES = ['WDM', 'KMDF', 'minifilter', 'NDIS', 'WFP', 'storport'] as const
const KINDS = ['cross-signed', 'whcp', 'attestation', 'windows', 'test', 'self-signed'] as const
const EVIDENCE = [
  'sha1-digest',
  'compiled-after-signer-expired',
  'untrusted-timestamp-root',
] as const

const certificates = new Map<string, Certificate>()
/** A certificate of this name; the same one each time. */
export function certificateOf(name: string, issuer: string): Certificate {
  let certificate = certificates.get(name)
  if (certificate) return certificate
  const tbs = digestsOf(`tbs ${name}`)
  certificate = {
    subject: `CN=${name}, C=XX`,
    subjectName: name,
    issuer: `CN=${issuer}`,
    issuerName: issuer,
    serial: hash('md5', name),
    from: '2012-01-01T00:00:00Z',
    to: '2015-01-01T00:00:00Z',
    isCa: name === issuer,
    isSelfSigned: name === issuer,
    eku: [{ oid: '1.3.6.1.5.5.7.3.3', name: 'Code Signing' }],
    signatureAlgorithm: 'sha256WithRSAEncryption',
    key: 'RSA 2048',
    thumbprint: { sha1: hash('sha1', name), sha256: hash('sha256', name) },
    tbs: { ...tbs, sha384: hash('sha384', name), algorithm: tbs.sha256 },
  }
  if (certificates.size < 10_000) certificates.set(name, certificate)
  return certificate
}

export function signatureOf(
  signer: string,
  kind: Signature['kind'],
  time: string | null,
): Signature {
  const issuer = `${signer.length % 7} Code Signing CA`
  return {
    source: 'embedded',
    catalogue: null,
    kind,
    reason: 'made for a test',
    digestAlgorithm: 'sha256',
    digest: '00',
    digestMatches: true,
    verifies: true,
    programName: null,
    programUrl: null,
    chain: [certificateOf(signer, issuer), certificateOf(issuer, issuer)],
    others: [],
    chainIsComplete: true,
    timeStamp: time
      ? {
          kind: 'rfc3161',
          time,
          verifies: true,
          digestAlgorithm: 'sha256',
          chain: [certificateOf('Time Stamp Service', 'Time Stamp Service')],
          rootIsKnown: true,
          rootName: 'Time Stamp Service',
        }
      : null,
  }
}

export function ioctlOf(code: number): IoctlCode {
  const methods = ['METHOD_BUFFERED', 'METHOD_IN_DIRECT', 'METHOD_OUT_DIRECT', 'METHOD_NEITHER']
  const access = ['FILE_ANY_ACCESS', 'FILE_READ_ACCESS', 'FILE_WRITE_ACCESS']
  return {
    code: `0x${code.toString(16).toUpperCase().padStart(8, '0')}`,
    deviceType: code >>> 16,
    deviceTypeName: null,
    function: (code >>> 2) & 0xfff,
    method: methods[code & 3] as IoctlCode['method'],
    access: access[(code >>> 14) & 3] ?? 'FILE_READ_ACCESS|FILE_WRITE_ACCESS',
    rva: 0x1080,
    handler: 0x1100,
    how: 'compare',
    confidence: 'high',
  }
}

export interface ImportRate {
  name: string
  /** Share of files that import it. */
  rate: number
}

/** Of `data/loldrivers/import-frequency.csv`. */
export const importRates = (csv: string): ImportRate[] =>
  csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .map(([name = '', samples]) => ({ name, rate: Number(samples) / 2091 }))

/** Facts with nothing in them but what is given. */
export function factsOf(name: string, over: Partial<FileFacts> = {}): FileFacts {
  return {
    schema: 'ring0-driver/1',
    size: 4096,
    hashes: digestsOf(name),
    tlsh: null,
    entropy: { blockSize: 1024, values: [5, 6, 5, 3] },
    image: imageOf(),
    strings: [],
    signatures: [],
    evidence: [],
    driver: {
      types: [],
      deviceNames: [],
      symbolicLinks: [],
      sddl: [],
      deviceSecurity: null,
      driverEntry: 0x1000,
      driverUnload: null,
      addDevice: null,
      majorFunctions: [],
      ioctls: [],
      privileged: [],
      resolvedRoutines: [],
      code: { instructions: 100, functions: 3, isComplete: true, note: null },
    },
    capabilities: [],
    anomalies: [],
    ...over,
  }
}

export const imageOf = (
  over: Partial<NonNullable<FileFacts['image']>> = {},
): NonNullable<FileFacts['image']> => ({
  machine: 'AMD64',
  is64Bit: true,
  subsystem: 1,
  characteristics: ['EXECUTABLE_IMAGE'],
  dllCharacteristics: [],
  imageBase: '0x140000000',
  entryPoint: 0x1000,
  sizeOfImage: 0x6000,
  sizeOfHeaders: 0x400,
  sectionAlignment: 0x1000,
  fileAlignment: 0x200,
  linkerVersion: '14.29',
  osVersion: '10.0',
  subsystemVersion: '10.0',
  compiled: null,
  timestamp: 0,
  timeIsHash: false,
  checksum: { reported: 1, computed: 1, matches: true },
  sections: [],
  directories: [],
  imports: [],
  importDescriptors: 0,
  imphash: null,
  exports: null,
  resources: [],
  version: null,
  debug: [],
  rich: null,
  relocations: null,
  loadConfig: null,
  overlay: null,
  certificateTable: null,
  authentihash: null,
  pageHash: null,
  ...over,
})

/** File number `n` of a shelf, as an import brings it. */
export function syntheticFile(n: number, rates: readonly ImportRate[]): LandedFile {
  const random = randomFrom(n * 7919 + 1)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  // Families: a long tail, the larger ones with hundreds of files.
  const family = Math.floor(random() ** 2 * 12_000)
  const own = randomFrom(family + 5)
  const vendor = Math.floor(own() ** 3 * 3000)
  const vendorRandom = randomFrom(vendor + 900_001)
  const company = `${title(word(vendorRandom, 2))} ${title(word(vendorRandom, 2))} Ltd.`
  const product = `${title(word(own, 2))} ${own() < 0.4 ? 'Driver' : title(word(own, 2))}`
  const base = word(own, 2)
  const name =
    random() < 0.3
      ? `${hash('md5', `${n}`)}.sys`
      : `${base}${random() < 0.5 ? Math.floor(random() * 90) : ''}.sys`
  const compiled = 1_100_000_000 + Math.floor(own() * 600_000_000 + random() * 2_000_000)
  const names = rates
    .filter(({ rate }) => (own() < rate ? random() < 0.97 : random() < rate * 0.03))
    .map((it) => it.name)
  const device =
    own() < 0.8
      ? [{ text: `\\Device\\${title(base)}${own() < 0.3 ? n % 100 : ''}`, offset: 100 }]
      : []
  const isSigned = random() < 0.85
  const digests = digestsOf(`file ${n}`)
  const kind = KINDS[Math.floor(own() ** 2 * KINDS.length)]!
  const codes = Array.from({ length: Math.floor(own() * 14) }, (_, at) =>
    ioctlOf(
      (((0x22 + Math.floor(own() * 3) * 0x7ff0) << 16) | ((0x800 + at) << 2) | (at % 4)) >>> 0,
    ),
  )
  const tlsh = Buffer.from(
    hash('sha256', `family ${family}`) + hash('md5', `${family}`).slice(0, 6),
    'hex',
  )
  for (let change = 0; change < 4; change++)
    tlsh[3 + Math.floor(random() * 32)] = Math.floor(random() * 256)
  const pdb = `D:\\${word(vendorRandom, 2)}\\${base}\\${own() < 0.5 ? 'x64\\Release' : 'objfre'}\\${base}.pdb`
  return {
    name,
    from: `set/${n % 100}/${name}`,
    quarantine: null,
    yara: null,
    packages: [],
    facts: factsOf(`${n}`, {
      size: 4096 + Math.floor(random() ** 3 * 3_000_000),
      hashes: digests,
      tlsh: `T1${tlsh.toString('hex').toUpperCase()}`,
      image: imageOf({
        machine: own() < 0.8 ? 'AMD64' : own() < 0.8 ? 'I386' : 'ARM64',
        compiled: isoOf(compiled),
        sections: [
          '.text',
          '.rdata',
          '.data',
          '.pdata',
          'INIT',
          ...(own() < 0.05 ? ['.vmp0'] : []),
        ].map((section, at) => ({
          name: section,
          rva: 0x1000 * (at + 1),
          virtualSize: 0x800,
          offset: 0x400 * (at + 1),
          rawSize: 0x400,
          entropy: Math.round((3 + random() * 4.9) * 10_000) / 10_000,
          flags: at === 0 ? 'RX' : 'R',
          characteristics: 0x60000020,
        })),
        imports: [
          {
            dll: 'ntoskrnl.exe',
            delayed: false,
            descriptors: 1,
            functions: names.map((it, at) => ({ name: it, ordinal: null, slot: 0x2000 + at * 8 })),
          },
        ],
        importDescriptors: 1,
        imphash: hash('md5', names.join()),
        debug: own() < 0.7 ? [{ type: 'CODEVIEW', time: null, pdb, guid: null, age: 1 }] : [],
        version: {
          fileVersion: `1.${family % 9}.0.${n % 50}`,
          productVersion: null,
          strings: {
            CompanyName: company,
            ProductName: product,
            OriginalFilename: `${base}.sys`,
            FileDescription: `${product} for Windows`,
            LegalCopyright: `(C) ${company} All rights reserved.`,
          },
          languages: ['040904b0'],
        },
        rich: {
          offset: 0x80,
          key: 1,
          checksumMatches: true,
          entries: [],
          hash: digestsOf(`rich ${family % 4000}`),
        },
        authentihash: digestsOf(`image ${random() < 0.9 ? n : family}`),
      }),
      strings: device.map(({ text }) => ({
        offset: 100,
        encoding: 'utf16',
        text,
        classes: ['device'],
      })),
      signatures: isSigned ? [signatureOf(company, kind, isoOf(compiled + 86_400))] : [],
      evidence: EVIDENCE.filter(() => isSigned && random() < 0.06).map((id) => ({
        id,
        text: id,
        caveat: '',
        data: {},
        signature: 0,
      })),
      driver: {
        ...factsOf('').driver!,
        types: [
          { type: pick(TYPES.slice(0, own() < 0.7 ? 1 : TYPES.length)), evidence: 'imports' },
        ],
        deviceNames: device,
        symbolicLinks: device.map(({ text }) => ({
          text: text.replace('Device', 'DosDevices'),
          offset: 200,
        })),
        ioctls: codes,
      },
      capabilities: CAPABILITIES.filter((_, at) => own() < 0.5 / (1 + at / 3)).map((it) => ({
        ...it,
        axis: 'hardware' as const,
        attack: [{ id: 'T1068', name: 'Exploitation for Privilege Escalation' }],
        references: [],
        description: '',
        evidence: [],
        baseRate: null,
      })),
      anomalies:
        random() < 0.1
          ? [{ id: 'checksum-mismatch', severity: 'note', text: 'differs', offset: null }]
          : [],
    }),
  }
}
