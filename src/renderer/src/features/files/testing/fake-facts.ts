/**
 * Facts of two drivers, written out by hand after `data/fixtures/pe`: ferry, whose signature claims
 * a time that cannot be true, and lantern, whose signature is in order.
 */
import {
  FACTS_SCHEMA,
  type CapabilityMatch,
  type Certificate,
  type Evidence,
  type FileFacts,
  type FileString,
  type Image,
  type Section,
  type Signature,
} from '../../../../../shared/driver-file/facts'

const hex = (seed: string, digits: number): string =>
  [...seed.repeat(digits)]
    .map((char, at) => ((char.charCodeAt(0) * 31 + at * 17) % 16).toString(16))
    .slice(0, digits)
    .join('')

function certificate(
  name: string,
  issuer: string,
  from: string,
  to: string,
  over: Partial<Certificate> = {},
): Certificate {
  return {
    subject: `CN=${name}, O=${name}, C=XX`,
    subjectName: name,
    issuer: `CN=${issuer}, C=XX`,
    issuerName: issuer,
    serial: hex(name, 32),
    from,
    to,
    isCa: false,
    isSelfSigned: name === issuer,
    eku: [{ oid: '1.3.6.1.5.5.7.3.3', name: 'codeSigning' }],
    signatureAlgorithm: 'sha1WithRSAEncryption',
    key: 'RSA 2048',
    thumbprint: { sha1: hex(`${name}1`, 40), sha256: hex(`${name}2`, 64) },
    tbs: {
      md5: hex(`${name}m`, 32),
      sha1: hex(`${name}s`, 40),
      sha256: hex(`${name}t`, 64),
      sha384: hex(`${name}u`, 96),
      algorithm: hex(`${name}t`, 64),
    },
    ...over,
  }
}

const section = (
  name: string,
  flags: string,
  at: number,
  [virtualSize, rawSize, entropy]: [number, number, number],
): Section => ({
  name,
  rva: 0x1000 * (at + 1),
  virtualSize,
  offset: 0x400 + at * 0x400,
  rawSize,
  entropy,
  flags,
  characteristics: flags.includes('X') ? 0x60000020 : 0x40000040,
})

const imports = (dll: string, ...names: string[]): Image['imports'][number] => ({
  dll,
  delayed: false,
  descriptors: 1,
  functions: names.map((name, at) => ({ name, ordinal: null, slot: 0x7000 + at * 8 })),
})

const string = (
  offset: number,
  text: string,
  classes: FileString['classes'] = [],
  encoding: FileString['encoding'] = 'utf16',
): FileString => ({ offset, encoding, text, classes })

const IMAGE: Image = {
  machine: 'AMD64',
  is64Bit: true,
  subsystem: 1,
  characteristics: ['EXECUTABLE_IMAGE', 'LARGE_ADDRESS_AWARE'],
  dllCharacteristics: ['DYNAMIC_BASE', 'NX_COMPAT'],
  imageBase: '0x140000000',
  entryPoint: 0x1000,
  sizeOfImage: 0x9000,
  sizeOfHeaders: 0x400,
  sectionAlignment: 0x1000,
  fileAlignment: 0x200,
  linkerVersion: '14.38',
  osVersion: '10.0',
  subsystemVersion: '10.0',
  compiled: '2024-02-03T04:05:06Z',
  timestamp: 1706933106,
  timeIsHash: false,
  checksum: { reported: 41239, computed: 41239, matches: true },
  sections: [
    section('.text', 'RX', 0, [736, 1024, 5.113]),
    section('.data', 'RW', 1, [16, 512, 0]),
    section('.rdata', 'R', 2, [128, 512, 3.0772]),
    section('.pdata', 'R', 3, [48, 512, 2.4815]),
    section('.idata', 'RW', 4, [324, 512, 3.5105]),
    section('.rsrc', 'RW', 5, [856, 1024, 3.2259]),
  ],
  directories: [
    { name: 'IMPORT', rva: 0x5000, size: 324 },
    { name: 'RESOURCE', rva: 0x6000, size: 856 },
    { name: 'DEBUG', rva: 0x3000, size: 28 },
  ],
  imports: [
    imports(
      'ntoskrnl.exe',
      ...['IoCreateDevice', 'IoCreateSymbolicLink', 'IoDeleteDevice', 'IoDeleteSymbolicLink'],
      ...['IofCompleteRequest', 'RtlInitUnicodeString'],
    ),
  ],
  importDescriptors: 1,
  imphash: '4cc01ecf51ea33bcf6ea6401b4ac69b5',
  exports: null,
  resources: [{ type: 'RT_VERSION', name: '1', language: 1033, offset: 0x1860, size: 792 }],
  version: {
    fileVersion: '2.4.1.9',
    productVersion: '2.4.1.9',
    strings: {
      CompanyName: 'Lantern Test Publisher',
      FileDescription: 'Lantern lab fixture driver',
      FileVersion: '2.4.1.9',
      InternalName: 'lantern.sys',
      LegalCopyright: 'Lab fixture, no rights reserved',
      OriginalFilename: 'lantern.sys',
      ProductName: 'Lantern',
    },
    languages: ['040904b0'],
  },
  debug: [
    {
      type: 'CODEVIEW',
      time: '2024-02-03T04:05:06Z',
      pdb: 'D:\\build\\lantern\\x64\\Release\\lantern.pdb',
      guid: '8f4c7a10-22b1-4d0e-9e63-0f5d1c2b3a49',
      age: 1,
    },
  ],
  rich: {
    offset: 0x80,
    key: 0x9f3c5a17,
    checksumMatches: true,
    entries: [
      { product: 260, build: 30133, count: 3 },
      { product: 261, build: 30133, count: 7 },
      { product: 259, build: 30133, count: 2 },
      { product: 257, build: 27412, count: 5 },
    ],
    hash: {
      md5: '92afdcb967cf5e9468a7f574248ca3e5',
      sha1: hex('rich', 40),
      sha256: hex('rich', 64),
    },
  },
  relocations: { blocks: 1, entries: 4 },
  loadConfig: {
    size: 320,
    securityCookie: '0x140002000',
    cfg: false,
    guardFlags: 0,
    guardFunctions: 0,
  },
  overlay: null,
  certificateTable: { offset: 6656, size: 5800 },
  authentihash: {
    md5: '5586ae8e66eaaa5d63e5fe76ab99446b',
    sha1: 'edeafac25974017e07fba5dbfbdeab3f441b652b',
    sha256: '2618f55806ec2aa5dfb173c1888999bade75b33b670e77da489e86d7dcc4e1ab',
  },
  pageHash: { sha1: hex('page', 40), sha256: hex('page', 64) },
}

const LANTERN_SIGNATURE: Signature = {
  source: 'embedded',
  catalogue: null,
  kind: 'test',
  reason: 'The chain ends in a root of its own that Windows does not know.',
  digestAlgorithm: 'sha256',
  digest: '2618f55806ec2aa5dfb173c1888999bade75b33b670e77da489e86d7dcc4e1ab',
  digestMatches: true,
  verifies: true,
  programName: 'Lantern',
  programUrl: null,
  chain: [
    certificate(
      'Lantern Test Publisher',
      'Lantern Test CA',
      '2023-11-01T00:00:00Z',
      '2026-11-01T00:00:00Z',
      { signatureAlgorithm: 'sha256WithRSAEncryption' },
    ),
    certificate(
      'Lantern Test CA',
      'Lantern Test CA',
      '2020-01-01T00:00:00Z',
      '2040-01-01T00:00:00Z',
      { isCa: true },
    ),
  ],
  others: [],
  chainIsComplete: true,
  timeStamp: {
    kind: 'rfc3161',
    time: '2024-02-10T12:00:00Z',
    verifies: true,
    digestAlgorithm: 'sha256',
    chain: [
      certificate(
        'Lantern Time Stamping',
        'Lantern Time CA',
        '2022-01-01T00:00:00Z',
        '2033-01-01T00:00:00Z',
        { eku: [{ oid: '1.3.6.1.5.5.7.3.8', name: 'timeStamping' }] },
      ),
    ],
    rootIsKnown: false,
    rootName: 'Lantern Time CA',
  },
}

const FERRY_SIGNATURE: Signature = {
  ...LANTERN_SIGNATURE,
  kind: 'cross-signed',
  reason: 'A commercial signer under a cross-certificate of the Microsoft code verification root.',
  digestAlgorithm: 'sha1',
  digest: 'f45a5aa84d586b79fa1f23f55e13ef05f180d963',
  programName: null,
  chain: [
    certificate(
      'Old Harbour Software',
      'Old Harbour Code Signing CA',
      '2013-04-09T00:00:00Z',
      '2014-04-09T23:59:59Z',
    ),
    certificate(
      'Old Harbour Code Signing CA',
      'Old Harbour Root',
      '2010-02-08T00:00:00Z',
      '2020-02-07T23:59:59Z',
      { isCa: true },
    ),
  ],
  chainIsComplete: false,
  timeStamp: {
    kind: 'pkcs9',
    time: '2013-10-01T00:00:00Z',
    verifies: true,
    digestAlgorithm: 'sha1',
    chain: [
      certificate(
        'Home-made Time Stamp Signer',
        'Home-made Time Root',
        '2012-01-01T00:00:00Z',
        '2030-01-01T00:00:00Z',
        { eku: [{ oid: '1.3.6.1.5.5.7.3.8', name: 'timeStamping' }] },
      ),
    ],
    rootIsKnown: false,
    rootName: 'Home-made Time Root',
  },
}

const evidence = (
  id: Evidence['id'],
  text: string,
  data: Record<string, string>,
  caveat = '',
): Evidence => ({ id, text, caveat, data, signature: 0 })

const FERRY_EVIDENCE: Evidence[] = [
  evidence(
    'compiled-after-signer-expired',
    'The image was compiled 9 years after its signer had expired.',
    { compiled: '2023-05-02T09:10:11Z', expired: '2014-04-09T23:59:59Z' },
    'A compile time can be set to anything; a build that hashes its inputs has none.',
  ),
  evidence(
    'compiled-after-claimed-signing-time',
    'The image was compiled 9 years after the time at which it claims to have been signed.',
    { compiled: '2023-05-02T09:10:11Z', claimed: '2013-10-01T00:00:00Z' },
  ),
  evidence(
    'untrusted-timestamp-root',
    'The time stamp ends at “Home-made Time Root”, which is no root that Windows ships with.',
    { root: 'Home-made Time Root' },
  ),
  evidence(
    'pre-2015-07-29-exemption-claimed',
    'The signer was issued before 2015-07-29, so Windows loads the driver without a Microsoft signature.',
    { issued: '2013-04-09T00:00:00Z', compiled: '2023-05-02T09:10:11Z' },
  ),
  evidence('sha1-digest', 'The image of 2023 is signed with SHA-1.', { algorithm: 'sha1' }),
]

const capability = (
  id: string,
  name: string,
  axis: CapabilityMatch['axis'],
  evidenceText: string,
  baseRate: CapabilityMatch['baseRate'],
  attack: CapabilityMatch['attack'] = [],
): CapabilityMatch => ({
  id,
  name,
  axis,
  attack,
  references: [],
  description: `What a driver with “${name}” can do for the program that opens its device.`,
  evidence: [{ text: evidenceText, rva: 0x1180, offset: 0x580 }],
  baseRate,
})

export const CAPABILITIES: CapabilityMatch[] = [
  capability(
    'register-wfp-callout',
    'sees and changes network traffic',
    'telemetry',
    'imports FwpsCalloutRegister1',
    { vulnerable: 0.012, malicious: 0.19 },
    [{ id: 'T1205', name: 'Traffic Signaling' }],
  ),
  capability(
    'redirect-connections',
    'sends connections elsewhere',
    'telemetry',
    'imports FwpsRedirectHandleCreate0',
    { vulnerable: 0.002, malicious: 0.08 },
    [{ id: 'T1090', name: 'Proxy' }],
  ),
  capability(
    'method-neither',
    'takes user pointers unchecked',
    'hardware',
    'METHOD_NEITHER in 0x0012C803',
    { vulnerable: 0.21, malicious: 0.17 },
  ),
  capability(
    'map-physical-memory',
    'maps physical memory',
    'hardware',
    'imports MmMapIoSpace',
    { vulnerable: 0.49, malicious: 0.006 },
    [{ id: 'T1068', name: 'Exploitation for Privilege Escalation' }],
  ),
  capability('model-specific-registers', 'writes MSRs', 'hardware', 'wrmsr at 0x1180', {
    vulnerable: 0.33,
    malicious: 0.01,
  }),
  capability(
    'end-processes',
    'ends any process',
    'telemetry',
    'imports ZwTerminateProcess',
    { vulnerable: 0.09, malicious: 0.27 },
    [{ id: 'T1562.001', name: 'Disable or Modify Tools' }],
  ),
]

const entropyMap = (size: number): FileFacts['entropy'] => ({
  blockSize: 256,
  values: Array.from({ length: Math.ceil(size / 256) }, (_, at) =>
    Number((3.2 + 2.6 * Math.sin(at / 4) ** 2 + (at % 5) * 0.15).toFixed(4)),
  ),
})

export const LANTERN_FACTS: FileFacts = {
  schema: FACTS_SCHEMA,
  size: 12_456,
  hashes: {
    md5: 'ad1f0a24ee3c785e284a77031bab4e62',
    sha1: '597b1d398a000764da2c1b2664e7f7b69242ed52',
    sha256: '6f45c91fe485473b5f774e3bf345c67e0da64a303e6d36c5849223e844b71950',
  },
  tlsh: `T1${hex('lantern', 70).toUpperCase()}`,
  entropy: entropyMap(12_456),
  image: IMAGE,
  strings: [
    string(0x1010, '\\Device\\LabLantern', ['device']),
    string(0x1040, '\\DosDevices\\LabLantern', ['symbolic-link']),
    string(0x1444, 'D:\\build\\lantern\\x64\\Release\\lantern.pdb', ['pdb', 'path'], 'ascii'),
    string(0x1890, 'Lantern lab fixture driver'),
  ],
  signatures: [LANTERN_SIGNATURE],
  evidence: [],
  driver: {
    types: [{ type: 'WDM', evidence: 'imports IoCreateDevice, no framework' }],
    deviceNames: [{ text: '\\Device\\LabLantern', offset: 0x1010 }],
    symbolicLinks: [{ text: '\\DosDevices\\LabLantern', offset: 0x1040 }],
    sddl: [],
    deviceSecurity: 'The device is made without a security descriptor: anyone may open it.',
    driverEntry: 0x1000,
    driverUnload: 0x12c0,
    addDevice: null,
    majorFunctions: [
      { index: 0, name: 'IRP_MJ_CREATE', handler: 0x1100, rva: 0x1042 },
      { index: 2, name: 'IRP_MJ_CLOSE', handler: 0x1100, rva: 0x1049 },
      { index: 14, name: 'IRP_MJ_DEVICE_CONTROL', handler: 0x1140, rva: 0x1050 },
    ],
    ioctls: [
      {
        code: '0x00222000',
        deviceType: 0x22,
        deviceTypeName: 'FILE_DEVICE_UNKNOWN',
        function: 0x800,
        method: 'METHOD_BUFFERED',
        access: 'FILE_ANY_ACCESS',
        rva: 0x1158,
        handler: 0x1180,
        how: 'compare',
        confidence: 'high',
      },
      {
        code: '0x80102040',
        deviceType: 0x8010,
        deviceTypeName: null,
        function: 0x810,
        method: 'METHOD_BUFFERED',
        access: 'FILE_ANY_ACCESS',
        rva: 0x1166,
        handler: 0x11c0,
        how: 'subtract',
        confidence: 'medium',
      },
    ],
    privileged: [],
    resolvedRoutines: [],
    code: { instructions: 214, functions: 6, isComplete: true, note: null },
  },
  capabilities: [CAPABILITIES[2]!],
  anomalies: [],
}

export const FERRY_FACTS: FileFacts = {
  ...LANTERN_FACTS,
  size: 12_184,
  hashes: {
    md5: 'd04240dd49612a0649653ff5598a9822',
    sha1: '438fddba3f5f63a1ab3b2b15717e9c404a3aface',
    sha256: 'de5d9f5c547ab203c2724555ae801156c9d02b78d84ba999d1b13fcdaea8c895',
  },
  tlsh: `T1${hex('ferry', 70).toUpperCase()}`,
  entropy: entropyMap(12_184),
  image: {
    ...IMAGE,
    compiled: '2023-05-02T09:10:11Z',
    timestamp: 1683018611,
    checksum: { reported: 54155, computed: 54155, matches: true },
    sections: [
      section('.text', 'RX', 0, [880, 1024, 5.0152]),
      section('.data', 'RW', 1, [16, 512, 0]),
      section('.rdata', 'R', 2, [224, 512, 2.9446]),
      section('.idata', 'RW', 3, [836, 1024, 3.9547]),
      section('.rsrc', 'RW', 4, [832, 1024, 3.2162]),
    ],
    imports: [
      imports(
        'fwpkclnt.sys',
        ...['FwpmCalloutAdd0', 'FwpmEngineClose0', 'FwpmEngineOpen0', 'FwpmFilterAdd0'],
        ...['FwpsApplyModifiedLayerData0', 'FwpsCalloutRegister1', 'FwpsRedirectHandleCreate0'],
      ),
      imports(
        'ntoskrnl.exe',
        ...['IoCreateDevice', 'IoCreateSymbolicLink', 'IoDeleteDevice', 'IofCompleteRequest'],
      ),
    ],
    importDescriptors: 2,
    imphash: 'f17a4b097bbb3d4c815f51be525e22e9',
    version: {
      fileVersion: '1.0.0.7',
      productVersion: '1.0.0.7',
      strings: {
        CompanyName: 'Old Harbour Software',
        FileDescription: 'Ferry lab fixture driver',
        OriginalFilename: 'ferry.sys',
        ProductName: 'Ferry',
      },
      languages: ['040904b0'],
    },
    debug: [],
    authentihash: {
      md5: '3fb96a61d960dedfee7d551a88a352de',
      sha1: 'f45a5aa84d586b79fa1f23f55e13ef05f180d963',
      sha256: 'bff03c00155fbdee698ce24a52cce21e0f1b4b7d37ec4fd9c857c59c82f478eb',
    },
  },
  strings: [
    string(0x1010, '\\Device\\LabFerry', ['device']),
    string(0x1040, '\\??\\LabFerry', ['symbolic-link']),
    string(0x10a0, 'update.harbour.example', ['domain'], 'ascii'),
    string(0x10c0, 'http://update.harbour.example/list.dat', ['url'], 'ascii'),
    string(0x1100, 'MsMpEng.exe', ['process', 'security-product'], 'ascii'),
  ],
  signatures: [FERRY_SIGNATURE],
  evidence: FERRY_EVIDENCE,
  driver: {
    ...LANTERN_FACTS.driver!,
    types: [
      { type: 'WFP', evidence: 'imports FwpsCalloutRegister1' },
      { type: 'WDM', evidence: 'imports IoCreateDevice, no framework' },
    ],
    deviceNames: [{ text: '\\Device\\LabFerry', offset: 0x1010 }],
    symbolicLinks: [{ text: '\\??\\LabFerry', offset: 0x1040 }],
    ioctls: LANTERN_FACTS.driver!.ioctls.map((ioctl, at) => ({
      ...ioctl,
      code: at === 0 ? '0x0012C803' : '0x0012C807',
      deviceType: 0x12,
      deviceTypeName: 'FILE_DEVICE_NETWORK',
      function: 0x200 + at,
      method: 'METHOD_NEITHER' as const,
      access: 'FILE_READ_ACCESS|FILE_WRITE_ACCESS',
      confidence: 'high' as const,
    })),
    privileged: [{ instruction: 'mov cr0', rva: 0x1210, text: 'mov cr0, rax' }],
    resolvedRoutines: ['PsSetLoadImageNotifyRoutine'],
  },
  capabilities: CAPABILITIES.slice(0, 3),
  anomalies: [
    {
      id: 'writable-import-section',
      severity: 'note',
      text: 'The section .idata can be written and holds the import table.',
      offset: 0x1000,
    },
  ],
}
