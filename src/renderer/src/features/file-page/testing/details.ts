/**
 * What the shelf says of two drivers of `data/fixtures/pe`, with their real bytes behind it: lantern,
 * whose signature is in order, and ferry, whose signing time cannot be true. And a crowd of kin.
 */
import type { RingClient } from '../../../../../shared/contract'
import type { FileDetail, FileRow, Kin } from '../../../../../shared/contract/files'
import { FileFacts } from '../../../../../shared/driver-file/facts'
import type { KnownSampleData } from '../../../../../shared/driver-file/known'
import { fail, ok } from '../../../../../shared/errors'
import ferry from './ferry-forged.json'
import lantern from './lantern-signed.json'

export const FERRY_ID = 1
export const LANTERN_ID = 2

const TIME = '2026-11-28T10:00:00Z'

function rowOf(
  id: number,
  name: string,
  facts: FileFacts | null,
  over: Partial<FileRow> = {},
): FileRow {
  const signature = facts?.signatures[0]
  return {
    id,
    name,
    names: 1,
    sha256: facts?.hashes.sha256 ?? null,
    origin: facts ? 'file' : 'known',
    size: facts?.size ?? null,
    machine: facts?.image?.machine ?? null,
    types: facts?.driver?.types.map(({ type }) => type) ?? [],
    compiled: facts?.image?.compiled ?? null,
    signature: facts ? (signature?.kind ?? 'none') : null,
    signer: signature?.chain[0]?.subjectName ?? null,
    signedAt: signature?.timeStamp?.time ?? null,
    evidence: facts?.evidence.length ?? 0,
    known: null,
    blocked: false,
    capabilities: facts?.capabilities.length ?? 0,
    status: 'new',
    verdict: 'none',
    tags: [],
    hasNotes: false,
    addedAt: TIME,
    ...over,
  }
}

function detailOf(
  row: FileRow,
  facts: FileFacts | null,
  over: Partial<FileDetail> = {},
): FileDetail {
  return {
    row,
    facts,
    hashes: {},
    names: [{ name: row.name, from: 'samples-2026.zip', at: TIME }],
    notes: '',
    verdictReason: '',
    known: [],
    blocks: [],
    knownAsOf: [
      'LOLDrivers, version 5554706 (Apache-2.0): 661 entries, taken in on 2026-11-20.',
      'Block policy Microsoft recommended driver block rules, version 10.0.27685.0: 1402 rules, taken in on 2026-11-20.',
    ],
    blockPolicies: 1,
    knownSamples: [],
    yaraRead: true,
    yara: [],
    packages: [],
    sameImage: [],
    quarantined: false,
    toySampleId: null,
    ...over,
  }
}

/** The HookSignTool pattern: compiled in 2023, signed "in 2013" by a certificate that ended in 2014. */
export function ferryDetail(over: Partial<FileDetail> = {}): FileDetail {
  const facts = FileFacts.parse(ferry)
  const row = rowOf(FERRY_ID, 'ferry.sys', facts, {
    names: 3,
    known: 'malicious',
    blocked: true,
    status: 'in-work',
    verdict: 'malicious',
    tags: ['hooksigntool', 'wfp'],
    hasNotes: true,
  })
  return detailOf(row, facts, {
    names: [
      { name: 'ferry.sys', from: 'samples-2026.zip', at: TIME },
      { name: 'netdrv64.sys', from: 'case-0412', at: '2026-11-21T08:30:00Z' },
      { name: 'de5d9f5c.bin', from: 'case-0412', at: '2026-11-21T08:31:00Z' },
    ],
    notes: 'Redirects browsers to a proxy on `127.0.0.1`.\n\n- list of **process names** in UTF-16',
    verdictReason: 'redirects browsers, forged signing time',
    known: [
      {
        id: '87593c63-9e3e-4d09-aa47-94bca0783396',
        source: 'LOLDrivers',
        names: ['ferry.sys', 'reddriver.sys'],
        category: 'malicious',
        cve: [],
        attack: ['T1068'],
        created: '2023-07-12',
        verified: true,
        description: 'A browser hijacker that filters connections in the kernel.',
        resources: ['https://blog.example/reddriver'],
        matchedBy: 'authentihash',
        loadsDespiteHvci: true,
        samples: 7,
      },
    ],
    blocks: [
      {
        policy: 'Microsoft recommended driver block rules',
        policyVersion: '10.0.27685.0',
        importedAt: TIME,
        rule: 'ID_SIGNER_OLD_HARBOUR',
        ruleName: 'Old Harbour Software, ferry.sys up to 1.0.0.9',
        matchedBy: 'signer',
        text: 'The issuer’s TBS hash and the publisher “Old Harbour Software” are denied for ferry.sys up to 1.0.0.9; this is 1.0.0.7.',
      },
    ],
    yara: [
      {
        rule: 'wfp_browser_redirect',
        tags: ['network'],
        meta: { author: 'lab', date: '2024-01-10' },
        strings: [{ id: '$names', offset: 2592, text: 'chrome.exe;msedge.exe;360se.exe' }],
      },
    ],
    quarantined: true,
    ...over,
  })
}

/** Signed within the validity of its certificate; nothing speaks against it. */
export function lanternDetail(over: Partial<FileDetail> = {}): FileDetail {
  const facts = FileFacts.parse(lantern)
  const unsigned = rowOf(3, 'lantern.sys', facts, {
    sha256: '3f03c5ac48de3b45fe7f708f424f1d0008d00f1c2d5ad5043d74cdb26011f2a8',
    signature: 'none',
    signer: null,
    signedAt: null,
  })
  return detailOf(rowOf(LANTERN_ID, 'lantern-signed.sys', facts), facts, {
    sameImage: [unsigned],
    packages: [
      {
        id: 1,
        name: 'lantern.inf',
        inf: {
          version: {
            Signature: '$Windows NT$',
            Class: 'System',
            Provider: 'Lantern',
            DriverVer: '02/03/2024,2.4.1.9',
          },
          models: [
            {
              description: 'Lantern lab device',
              ids: ['ROOT\\LANTERN'],
              section: 'Lantern_Install',
            },
          ],
          services: [
            {
              name: 'lantern',
              displayName: 'Lantern lab driver',
              type: 'SERVICE_KERNEL_DRIVER',
              start: 'SERVICE_DEMAND_START',
              errorControl: 'SERVICE_ERROR_NORMAL',
              binary: '%12%\\lantern.sys',
              loadOrderGroup: 'Extended Base',
              dependencies: [],
            },
          ],
          registry: [
            {
              root: 'HKR',
              key: 'Parameters',
              name: 'Brightness',
              type: 'REG_DWORD',
              value: '7',
              action: 'add',
            },
          ],
          files: [{ name: 'lantern.sys', destination: '%12%' }],
          problems: [],
        },
        catalogue: {
          members: [
            {
              digest: facts.image?.authentihash?.sha256 ?? '',
              algorithm: 'SHA-256',
              file: 'lantern.sys',
              attributes: { OSAttr: '2:10.0' },
            },
          ],
          attributes: {},
          problems: [],
        },
        members: [
          { name: 'lantern.sys', sha256: facts.hashes.sha256, isListed: true },
          { name: 'helper.sys', sha256: 'a'.repeat(64), isListed: false },
        ],
      },
    ],
    ...over,
  })
}

/** Known by hash alone: no file was ever read. */
export const knownOnlyDetail = (): FileDetail =>
  detailOf(
    rowOf(9, 'gdrv.sys', null, {
      sha256: '31f4cfb4c71da44120752721103a16512444c13c2ac2d857a7e6f13cb679b427',
      known: 'vulnerable driver',
    }),
    null,
    {
      hashes: { MD5: '9ab9f3b75a2eb87fafb1b7361be9dfb3' },
      knownAsOf: [
        'LOLDrivers, version 5554706 (Apache-2.0): 661 entries, taken in on 2026-11-20.',
        'No block policy was taken in, so nothing is said about blocking.',
      ],
      blockPolicies: 0,
      yaraRead: false,
      known: [
        {
          id: '2bea1bca-753c-4f09-bc9f-566ab0193f4a',
          source: 'LOLDrivers',
          names: ['gdrv.sys'],
          category: 'vulnerable driver',
          cve: ['CVE-2018-19320'],
          attack: ['T1068'],
          created: '2023-01-09',
          verified: true,
          description: 'Reads and writes physical memory for anyone.',
          resources: [],
          matchedBy: 'sha256',
          loadsDespiteHvci: false,
          samples: 9,
        },
      ],
      knownSamples: [gdrvSample(), { ...gdrvSample(), filename: 'gdrv64.sys', product: 'GDRV' }],
    },
  )

const gdrvSample = (): KnownSampleData => ({
  filename: 'gdrv.sys',
  originalFilename: 'gdrv.sys',
  md5: '9ab9f3b75a2eb87fafb1b7361be9dfb3',
  sha1: null,
  sha256: '31f4cfb4c71da44120752721103a16512444c13c2ac2d857a7e6f13cb679b427',
  authMd5: null,
  authSha1: null,
  authSha256: null,
  imphash: null,
  rich: null,
  machine: 'AMD64',
  company: 'Giga-Byte Technology',
  product: 'GIGABYTE Tools',
  fileVersion: '1.0.0.1',
  publisher: null,
  date: null,
  compiled: '2013-07-03 02:32:26',
  loadsDespiteHvci: false,
  signers: [
    {
      cn: 'GIGA,BYTE TECHNOLOGY CO., LTD.',
      serial: '2f6c1e0a',
      from: '2011-01-20',
      to: '2014-02-18',
      tbs: 'ab'.repeat(32),
    },
  ],
  issuers: ['VeriSign Class 3 Code Signing 2010 CA'],
  signatureNames: [],
  importedModules: ['ntoskrnl.exe', 'HAL.dll'],
  importedFunctions: ['MmMapIoSpace', 'IoCreateDevice'],
  exportedFunctions: [],
  rest: {},
})

const WORDS = ['pulse', 'harbour', 'relay', 'orbit', 'cinder', 'meridian', 'quarry', 'signal']

/** `count` files around ferry, sharing in the ways that files share. */
export function kinOf(count: number): Kin {
  const center = ferryDetail().row
  const others = Array.from({ length: count }, (_, i) =>
    rowOf(
      100 + i,
      `${WORDS[i % WORDS.length]}${i % 7 === 0 ? '-helper' : ''}${64 - (i % 3) * 32}.sys`,
      null,
      {
        origin: i % 5 === 0 ? 'known' : 'file',
        known: i % 6 === 0 ? 'malicious' : i % 9 === 0 ? 'vulnerable driver' : null,
        signer: i % 2 === 0 ? 'Old Harbour Software Visible' : 'Meridian Labs Ltd.',
      },
    ),
  )
  const pick = (test: (i: number) => boolean): number[] => [
    center.id,
    ...others.filter((_, i) => test(i)).map(({ id }) => id),
  ]
  const near = pick((i) => i % 11 === 3)
  return {
    files: [center, ...others],
    groups: [
      {
        relation: 'authentihash',
        value: 'bff03c00155fbdee698ce24a52cce21e0f1b4b7d37ec4fd9c857c59c82f478eb',
        label: 'Same image',
        files: pick((i) => i < 2),
        total: 3,
        distances: {},
      },
      {
        relation: 'imphash',
        value: 'f17a4b097bbb3d4c815f51be525e22e9',
        label: 'Same imports',
        files: pick((i) => i % 4 === 1),
        total: Math.ceil(count / 4),
        distances: {},
      },
      {
        relation: 'rich',
        value: '8f07b11f7668d84b7c50031a91fd5dde',
        label: 'Same Rich header',
        files: pick((i) => i % 8 === 1 || i % 8 === 2),
        total: Math.ceil(count / 4),
        distances: {},
      },
      {
        relation: 'signer',
        value: 'Old Harbour Software Visible',
        label: 'Signed by Old Harbour Software Visible',
        files: pick((i) => i % 2 === 0),
        total: count,
        distances: {},
      },
      {
        relation: 'pdb-folder',
        value: 'D:\\work\\ferry',
        label: 'PDB in D:\\work\\ferry',
        files: pick((i) => i % 10 === 7),
        total: 4,
        distances: {},
      },
      {
        relation: 'tlsh',
        value: '',
        label: 'TLSH distance up to 60',
        files: near,
        total: near.length,
        distances: Object.fromEntries(near.slice(1).map((id, i) => [String(id), 12 + i * 5])),
      },
    ],
    more: count > 150 ? 1_204 : 0,
  }
}

export interface FakePage {
  client: RingClient
  /** What `files.get` answers; a test changes it as somebody else would. */
  files: Map<number, FileDetail>
  calls: { name: string; input: unknown }[]
  emit(stream: string): void
}

/**
 * A main with these files on its shelf, for the page alone.
 * @param locked  what the quarantine needs before it is open
 */
export function fakePage(
  details: readonly FileDetail[],
  kin: Kin = kinOf(24),
  locked: string | null = null,
): FakePage {
  const files = new Map(details.map((detail) => [detail.row.id, detail]))
  const listeners = new Set<() => void>()
  const calls: FakePage['calls'] = []
  const handlers: Record<string, (input: never) => unknown> = {
    'files.get': ({ id }: { id: number }) => {
      const found = files.get(id)
      return found ? ok(found) : fail('not-found', `There is no file ${id}.`, 'Search again.')
    },
    'files.list': () => ok({ rows: details.map(({ row }) => row) }),
    'files.kin': () => ok(kin),
    'quarantine.info': () =>
      ok({
        files: 1,
        bytes: 12_184,
        key: 'passphrase',
        locked,
        promise: 'Readable only with the passphrase.',
        osKeyStoreAvailable: false,
      }),
    'files.history': () =>
      ok({
        entries: [
          {
            id: 2,
            at: TIME,
            what: 'verdict',
            before: 'suspicious',
            after: 'malicious',
            undo: 'u2',
          },
          { id: 1, at: '2026-11-21T08:30:00Z', what: 'imported', before: '', after: 'case-0412' },
        ],
      }),
    'files.annotate': (input: {
      selection: { ids: number[] }
      verdict?: FileRow['verdict']
      verdictReason?: string
    }) => {
      for (const id of input.selection.ids) {
        const found = files.get(id)
        const { verdict = found?.row.verdict, verdictReason = found?.verdictReason } = input
        if (found && verdict && verdictReason !== undefined)
          files.set(id, { ...found, verdictReason, row: { ...found.row, verdict } })
      }
      return ok({ changed: 1, undo: 'undo-1' })
    },
    'files.undo': () => ok({ changed: 1 }),
    'files.openAsToy': () => ok({ sampleId: 77 }),
    'files.export': () => ok({ path: 'ferry.json', files: 1, left: [] }),
    'quarantine.forget': () => ok({ forgotten: 1 }),
    'quarantine.export': () => ok({ path: 'ferry.zip' }),
    'app.copy': () => ok({}),
  }
  const client: Record<string, unknown> = {
    on: (_stream: string, listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  for (const [name, handler] of Object.entries(handlers))
    client[name] = (input: never) => {
      calls.push({ name, input })
      return Promise.resolve(structuredClone(handler(input)))
    }
  return {
    client: client as unknown as RingClient,
    files,
    calls,
    emit: () => {
      for (const listener of listeners) listener()
    },
  }
}
