import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Certificate, Signature } from '../../../shared/driver-file/facts'
import { decodeText } from '../text'
import { matchPolicy, type PolicyFile } from './match'
import { parseSiPolicy } from './parse'
import { ruleCount, type SiPolicy } from './policy'

const fixtures = resolve(__dirname, '../../../../data/fixtures')
const sample = readFileSync(resolve(fixtures, 'sipolicy/sample-block-policy.xml'))

/** Of data/fixtures/pe/expected.json, which was computed with pefile. */
interface Expected {
  authentihash: { sha1: string; sha256: string }
  version: Record<string, string>
}
const expected = JSON.parse(readFileSync(resolve(fixtures, 'pe/expected.json'), 'utf8')) as Record<
  string,
  Expected
>

function policyOf(text: string): SiPolicy {
  const result = parseSiPolicy(text, 'policy.xml')
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

const LEGACY_TBS = 'd1e4c8f563ccb1d605bc2d7587c97af18aae3d7ac811372e90f9143acd94bab1'

function certificate(
  subjectName: string,
  tbs: string,
  more: Partial<Certificate> = {},
): Certificate {
  return {
    subject: `CN=${subjectName}`,
    subjectName,
    issuer: 'CN=Issuer',
    issuerName: 'Issuer',
    serial: '01',
    from: '2013-04-09T00:00:00Z',
    to: '2014-04-09T00:00:00Z',
    isCa: false,
    isSelfSigned: false,
    eku: [],
    signatureAlgorithm: 'sha256WithRSAEncryption',
    key: 'RSA 2048',
    thumbprint: { sha1: '', sha256: '' },
    tbs: { md5: '', sha1: '', sha256: tbs, sha384: '', algorithm: tbs },
    ...more,
  }
}

function signature(chain: Certificate[], more: Partial<Signature> = {}): Signature {
  return {
    source: 'embedded',
    catalogue: null,
    kind: 'unknown',
    reason: '',
    digestAlgorithm: 'SHA1',
    digest: '',
    digestMatches: true,
    verifies: true,
    programName: null,
    programUrl: null,
    chain,
    others: [],
    chainIsComplete: true,
    timeStamp: null,
    ...more,
  }
}

function file(more: Partial<PolicyFile> = {}): PolicyFile {
  return { authentihash: null, pageHash: null, version: null, signatures: [], ...more }
}

function named(OriginalFilename: string, fileVersion: string | null = '1.0.0.0'): PolicyFile {
  const strings = { OriginalFilename }
  return file({ version: { fileVersion, productVersion: null, strings, languages: [] } })
}

function fixture(name: string, signatures: Signature[] = []): PolicyFile {
  const { authentihash, version } = expected[name] as Expected
  const fileVersion = version['FileVersion'] ?? null
  return file({
    authentihash,
    version: { fileVersion, productVersion: null, strings: version, languages: [] },
    signatures,
  })
}

/** A policy of these rules; every one is in force for drivers. */
function policy(fileRules: string, signers = '', scenario = '131'): SiPolicy {
  const ids = (text: string, element: string): string[] =>
    [...text.matchAll(new RegExp(`<${element} ID="(\\w+)"`, 'g'))].map(([, id]) => id ?? '')
  return policyOf(`<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy">
    <VersionEx>10.0.0.0</VersionEx>
    <EKUs><EKU ID="ID_EKU_WHQL" Value="010A2B0601040182370A0305" /></EKUs>
    <FileRules>${fileRules}</FileRules><Signers>${signers}</Signers>
    <SigningScenarios><SigningScenario Value="${scenario}"><ProductSigners>
      <DeniedSigners>${ids(signers, 'Signer')
        .map(
          (id) =>
            `<DeniedSigner SignerId="${id}"><ExceptAllowRule AllowRuleID="EXCEPT"/></DeniedSigner>`,
        )
        .join('')}</DeniedSigners>
      <FileRulesRef>${[...ids(fileRules, 'Deny'), ...ids(fileRules, 'Allow')]
        .map((id) => `<FileRuleRef RuleID="${id}" />`)
        .join('')}</FileRulesRef>
    </ProductSigners></SigningScenario></SigningScenarios></SiPolicy>`)
}
const rules = (of: SiPolicy, what: PolicyFile): string[] =>
  matchPolicy(of, what).map(({ rule }) => rule)

describe('the sample policy', () => {
  const blockList = policyOf(decodeText(sample))
  const ferry = (): Signature =>
    signature([
      certificate('Old Harbour Software Visible', 'aa'.repeat(32)),
      certificate('Lab Visible Legacy Code Signing CA', LEGACY_TBS),
    ])

  test('is read with its rules and its version', () => {
    expect(blockList).toMatchObject({ name: 'policy.xml', version: '10.0.26100.1', notes: [] })
    expect(blockList.hashes.map(({ id }) => id)).toEqual([
      'ID_DENY_LANTERN_SHA1',
      'ID_DENY_LANTERN_SHA256',
    ])
    expect(blockList.files.map(({ id }) => id)).toEqual(['ID_DENY_OLDGATE'])
    expect(ruleCount(blockList)).toBe(5)
  })

  test.each(['lantern.sys', 'lantern-signed.sys'])('blocks %s by both of its hashes', (name) => {
    expect(matchPolicy(blockList, fixture(name))).toMatchObject([
      { rule: 'ID_DENY_LANTERN_SHA1', matchedBy: 'authentihash' },
      {
        rule: 'ID_DENY_LANTERN_SHA256',
        ruleName: 'lantern.sys Hash Sha256',
        text: `The SHA-256 authentihash ${expected[name]?.authentihash.sha256} is the hash of the rule.`,
      },
    ])
  })

  test('blocks ferry-forged.sys by signer and file attribute', () => {
    expect(matchPolicy(blockList, fixture('ferry-forged.sys', [ferry()]))).toEqual([
      {
        rule: 'ID_SIGNER_OLDHARBOUR',
        ruleName: 'Lab Visible Legacy Code Signing CA',
        matchedBy: 'signer',
        text:
          'The certificate "Lab Visible Legacy Code Signing CA" of the chain is the rule\'s by its TBS hash; ' +
          'the leaf is named "Old Harbour Software Visible"; OriginalFilename is ferry.sys, ' +
          'version 1.0.0.7 is at most 1.0.0.7.',
      },
    ])
  })

  test('lets lantern-tampered.sys pass, and ferry without its signature', () => {
    expect(matchPolicy(blockList, fixture('lantern-tampered.sys'))).toEqual([])
    expect(matchPolicy(blockList, fixture('ferry-forged.sys'))).toEqual([])
    const broken = { ...ferry(), digestMatches: false }
    expect(matchPolicy(blockList, fixture('ferry-forged.sys', [broken]))).toEqual([])
  })
})

describe('hash rules', () => {
  const sha256 = 'AB'.repeat(32)
  const denied = policy(`<Deny ID="H" Hash="${sha256}" />`)

  test('mean the authentihash or the page hash', () => {
    const hash = sha256.toLowerCase()
    expect(rules(denied, file({ authentihash: { sha1: '', sha256: hash } }))).toEqual(['H'])
    expect(matchPolicy(denied, file({ pageHash: { sha1: '', sha256: hash } }))).toMatchObject([
      { matchedBy: 'page hash' },
    ])
    expect(rules(denied, file())).toEqual([])
  })

  test('that hold no hash are noted', () => {
    expect(policy('<Deny ID="H" Hash="12" />').notes).toEqual([
      'H: Hash is no SHA-1, SHA-256 or SHA-384 value; the rule is left out.',
    ])
  })
})

describe('file rules', () => {
  const range = (attributes: string): SiPolicy =>
    policy(`<Deny ID="F" FileName="gate.sys" ${attributes} />`)

  test.each([
    ['no version', '', ['0.0.0.0', '9.9.9.9'], []],
    [
      'a range',
      'MinimumFileVersion="1.0.0.0" MaximumFileVersion="3.1.12.0"',
      ['1.0.0.0', '3.1.12.0', '2'],
      ['0.9.9.9', '3.1.12.1'],
    ],
    [
      'a maximum',
      'MaximumFileVersion="3.1.12.0"',
      ['0.0.0.0', '3.1.12.0'],
      ['3.1.12.1', '3.2', '10.0.0.0'],
    ],
    [
      'a minimum alone, which denies up to it',
      'MinimumFileVersion="4.21.0.0"',
      ['1.0.0.0', '4.21.0.0'],
      ['4.22.0.0'],
    ],
    [
      'the minimum that means all',
      'MinimumFileVersion="65535.65535.65535.65535"',
      ['0.0.0.0', '10.0.19041.1'],
      [],
    ],
  ])('with %s', (_, attributes, blocked, passing) => {
    const denied = range(attributes)
    expect(
      blocked.filter((version) => rules(denied, named('gate.sys', version)).length === 0),
    ).toEqual([])
    expect(
      passing.filter((version) => rules(denied, named('gate.sys', version)).length > 0),
    ).toEqual([])
  })

  test('compare names without case and blanks, as the lists need', () => {
    const denied = policy('<Deny ID="F" FileName="rtkio64.sys " />')
    expect(rules(denied, named('RtkIo64.SYS'))).toEqual(['F'])
    expect(rules(denied, named('rtkio64.sys\0'))).toEqual(['F'])
    expect(rules(denied, named('rtkio.sys'))).toEqual([])
    expect(rules(denied, file())).toEqual([])
  })

  test('may name other strings of the version resource, all of which must fit', () => {
    const denied = policy('<Deny ID="F" InternalName="gate" ProductName="Harbour &amp; Sons" />')
    const of = (strings: Record<string, string>): PolicyFile =>
      file({ version: { fileVersion: null, productVersion: null, strings, languages: [] } })
    expect(rules(denied, of({ InternalName: 'Gate', ProductName: 'Harbour & Sons' }))).toEqual([
      'F',
    ])
    expect(rules(denied, of({ InternalName: 'Gate' }))).toEqual([])
  })

  test('that cannot be evaluated are noted', () => {
    const { notes, files } = policy(
      '<Deny ID="A" FilePath="C:\\x" /><Deny ID="B" FileName="x" MinimumFileVersion="x" /><Deny ID="C" />',
    )
    expect(files).toEqual([])
    expect(notes).toEqual([
      'A: FilePath is not evaluated: it says nothing that is in a driver file.',
      'B: x is no file version; the rule is left out.',
      'C names neither a hash nor a file; the rule is left out.',
    ])
  })

  test('that allow never block', () => {
    expect(rules(policy('<Allow ID="A" FileName="*" />'), named('gate.sys'))).toEqual([])
  })

  test('for user mode never block a driver', () => {
    const userMode = policy('<Deny ID="F" FileName="gate.sys" />', '', '12')
    expect(rules(userMode, named('gate.sys'))).toEqual([])
    expect(userMode.notes[0]).toMatch(/No signing scenario 131/)
  })

  test('that no scenario refers to are not in force', () => {
    const text = sample.toString('utf8').replace('<FileRuleRef RuleID="ID_DENY_OLDGATE" />', '')
    expect(rules(policyOf(text), named('oldgate.sys'))).toEqual([])
    expect(rules(policyOf(sample.toString('utf8')), named('oldgate.sys'))).toEqual([
      'ID_DENY_OLDGATE',
    ])
  })
})

describe('signer rules', () => {
  const tbs = 'cd'.repeat(24)
  const root = `<CertRoot Type="TBS" Value="${tbs.toUpperCase()}" />`
  const ca = certificate('A CA', '', {
    tbs: { md5: '', sha1: '', sha256: '', sha384: tbs, algorithm: '' },
  })
  const leaf = certificate('Leaf Ltd', '11'.repeat(32), {
    issuerName: 'A CA',
    eku: [{ oid: '1.3.6.1.4.1.311.10.3.5', name: 'Windows Hardware Driver Verification' }],
  })
  const signed = (more: Partial<Signature> = {}): PolicyFile => ({
    ...named('gate.sys'),
    signatures: [signature([leaf, ca], more)],
  })
  const signer = (inner: string, attributes = ''): string =>
    `<Signer ID="S" Name="A CA" ${attributes}>${root}${inner}</Signer>`

  test.each([
    ['a certificate of the chain by any of its TBS digests', '', true],
    ['the name of the leaf', '<CertPublisher Value=" leaf LTD " />', true],
    ['another name of the leaf', '<CertPublisher Value="Leaf" />', false],
    ['the issuer of the leaf', '<CertIssuer Value="A CA" />', true],
    ['another issuer', '<CertIssuer Value="B CA" />', false],
    ['an EKU of the leaf', '<CertEKU ID="ID_EKU_WHQL" />', true],
    ['the OEM in the program name', '<CertOemID Value="Harbour" />', true],
    ['another OEM', '<CertOemID Value="Port" />', false],
    ['one of its files', '<FileAttribRef RuleID="OTHER" /><FileAttribRef RuleID="GATE" />', true],
    ['other files only', '<FileAttribRef RuleID="OTHER" />', false],
  ])('%s', (_, inner, blocks) => {
    const files =
      '<FileAttrib ID="OTHER" FileName="o.sys" /><FileAttrib ID="GATE" FileName="gate.sys" />'
    const denied = policy(files, signer(inner))
    expect(denied.notes).toEqual([])
    expect(rules(denied, signed({ programName: 'Harbour' }))).toEqual(blocks ? ['S'] : [])
  })

  test('an EKU the leaf does not have', () => {
    const other = { ...leaf, eku: [] }
    const denied = policy('', signer('<CertEKU ID="ID_EKU_WHQL" />'))
    expect(rules(denied, file({ signatures: [signature([other, ca])] }))).toEqual([])
  })

  test('a time after which signatures are denied', () => {
    const denied = policy('', signer('', 'SignTimeAfter="2020-01-01T00:00:00Z"'))
    const stamped = (time: string): PolicyFile =>
      signed({
        timeStamp: {
          kind: 'rfc3161',
          time,
          verifies: true,
          digestAlgorithm: 'SHA256',
          chain: [],
          rootIsKnown: true,
          rootName: '',
        },
      })
    expect(rules(denied, stamped('2020-01-02T00:00:00Z'))).toEqual(['S'])
    expect(rules(denied, stamped('2019-01-02T00:00:00Z'))).toEqual([])
    expect(rules(denied, signed())).toEqual(['S'])
  })

  test('an exception lets a file pass, with a minimum that is a minimum', () => {
    const allow = '<Allow ID="EXCEPT" FileName="gate.sys" MinimumFileVersion="2.0.0.0" />'
    const denied = policy(allow, signer(''))
    const of = (version: string): PolicyFile => ({
      ...signed(),
      ...named('gate.sys', version),
      signatures: signed().signatures,
    })
    expect(rules(denied, of('1.9.0.0'))).toEqual(['S'])
    expect(rules(denied, of('2.0.0.0'))).toEqual([])
  })

  test('a file that is signed twice is named once for each rule', () => {
    const denied = policy('', signer(''))
    const twice = [signature([leaf, ca]), signature([leaf, ca], { source: 'nested' })]
    expect(rules(denied, file({ signatures: twice }))).toEqual(['S'])
  })

  test('well-known roots, unknown files and unknown EKUs are noted', () => {
    const { notes, signers } = policy(
      '',
      '<Signer ID="W"><CertRoot Type="Wellknown" Value="06" /></Signer>' +
        `<Signer ID="X">${root}<FileAttribRef RuleID="NOWHERE" /></Signer>` +
        `<Signer ID="Y">${root}<CertEKU ID="NOWHERE" /></Signer>`,
    )
    expect(signers).toEqual([])
    expect(notes).toEqual([
      'W: well-known root 06 is a number inside Windows; the signer is not evaluated.',
      'X is about files that the policy does not describe; the signer is left out.',
      'Y: a CertEKU is not in the policy; the signer is left out.',
    ])
  })
})

describe('files that mean no good', () => {
  const refusal = (text: string): string => {
    const result = parseSiPolicy(text, 'bad.xml')
    return result.ok ? 'was read' : result.error.message
  }

  test.each([
    [
      'an external entity',
      '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><SiPolicy>&e;</SiPolicy>',
      /^bad\.xml, line 2 declares a document type/,
    ],
    [
      'entities that multiply',
      '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><SiPolicy>&b;</SiPolicy>',
      /line 1 declares/,
    ],
    ['XML that breaks off', '<SiPolicy>\n<FileRules>\n', /^bad\.xml, line \d is not valid XML/],
    ['another document', '<html></html>', /first element is not SiPolicy/],
    ['no XML at all', 'MZ', /^bad\.xml/],
    ['elements without end', '<a>'.repeat(1_000_000), /nested deeper than 20/],
    ['more than 20 MB', `<SiPolicy>${' '.repeat(20_000_001)}</SiPolicy>`, /too large/],
  ])('%s is refused', (_, text, message) => {
    const start = performance.now()
    expect(refusal(text)).toMatch(message)
    expect(performance.now() - start).toBeLessThan(60_000)
  })

  test.each(['constructor', '__proto__'])('the name %s changes nothing', (name) => {
    const text = sample.toString('utf8')
    const element = text.replace('<EKUs />', `<${name} polluted="1"/><EKUs />`)
    const attribute = text.replace('<EKUs />', `<EKUs ${name}="1" />`)
    for (const result of [element, attribute].map((xml) => parseSiPolicy(xml, 'odd.xml'))) {
      if (!result.ok) expect(result.error.message).toMatch(/^odd\.xml/)
      else expect(ruleCount(result.value)).toBe(5)
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('another prefix of the name space and UTF-16 are read', () => {
    const prefixed = sample.toString('utf8').replace(/<(\/?)(?=[A-Z])/g, '<$1ns0:')
    expect(ruleCount(policyOf(prefixed))).toBe(5)
    const wide = Buffer.from(`\uFEFF${sample.toString('utf8')}`, 'utf16le')
    expect(ruleCount(policyOf(decodeText(wide)))).toBe(5)
  })
})

test('a policy of 20 MB is read in a bounded time', () => {
  const rule = (i: number): string =>
    `<Deny ID="ID_DENY_${i}" FriendlyName="driver ${i} Hash Sha256" Hash="${'0'.repeat(64)}" />`
  const many = Array.from({ length: 140_000 }, (_, i) => rule(i)).join('\n')
  const start = performance.now()
  expect(parseSiPolicy(`<SiPolicy><FileRules>${many}</FileRules></SiPolicy>`, 'big.xml').ok).toBe(
    true,
  )
  expect(performance.now() - start).toBeLessThan(60_000)
})

test('many rules and many files cost little', () => {
  const hashes = Array.from(
    { length: 5000 },
    (_, i) => `<Deny ID="H${i}" Hash="${i.toString(16).padStart(64, '0')}" />`,
  )
  const names = Array.from(
    { length: 2000 },
    (_, i) => `<Deny ID="F${i}" FileName="f${i}.sys" MaximumFileVersion="1.0.0.0" />`,
  )
  const denied = policy([...hashes, ...names].join('\n'))
  expect(ruleCount(denied)).toBe(7000)
  const start = performance.now()
  let matches = 0
  for (let i = 0; i < 20_000; i += 1) matches += matchPolicy(denied, named(`f${i}.sys`)).length
  expect(matches).toBe(2000)
  expect(performance.now() - start).toBeLessThan(60_000)
})
