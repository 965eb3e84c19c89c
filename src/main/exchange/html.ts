/**
 * A report as one HTML file that opens anywhere: no script, nothing loaded, light and dark by the
 * reader's own setting. Every text comes from hostile files and is escaped.
 */
import type { FileDetail } from '../../shared/contract/files'
import type {
  CapabilityMatch,
  DriverFacts,
  FileFacts,
  Signature,
} from '../../shared/driver-file/facts'

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`
const day = (time: string | null): string => (time === null ? 'unknown' : time.slice(0, 10))

type Cell = string | number | null | undefined
function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return ''
  const line = (tag: string, cells: readonly Cell[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(String(cell ?? ''))}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table><thead>${line('th', head)}</thead><tbody>${rows
    .map((row) => line('td', row))
    .join('')}</tbody></table></div>\n`
}

function facts(rows: readonly (readonly [string, Cell])[]): string {
  const present = rows.filter(([, value]) => value !== null && value !== undefined && value !== '')
  if (present.length === 0) return ''
  return `<dl>${present
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(String(value))}</dd>`)
    .join('')}</dl>\n`
}

const section = (title: string, body: string): string =>
  body === '' ? '' : `<h3>${escapeHtml(title)}</h3>\n${body}`

export function* html(details: Iterable<FileDetail>, now: Date): Generator<string> {
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Driver files, ${day(now.toISOString())}</title>
<style>${STYLE}</style></head><body>
<h1>Driver files</h1>
<p class="small">Written by Ring0 Lab on ${now.toISOString().slice(0, 16).replace('T', ' ')} UTC. The files were read, never run.</p>
`
  for (const detail of details) yield fileReport(detail)
  yield '</body></html>\n'
}

function fileReport(detail: FileDetail): string {
  const { row, facts: file } = detail
  const image = file?.image ?? null
  const strings = image?.version?.strings ?? {}
  return `<article><h2>${escapeHtml(row.name)}</h2>
${facts([
  ['SHA-256', row.sha256],
  ['SHA-1', detail.hashes['SHA-1']],
  ['MD5', detail.hashes['MD5']],
  ['Authentihash', detail.hashes['Authentihash SHA-256']],
  ['Imphash', detail.hashes['Imphash']],
  [
    'Also known as',
    detail.names
      .slice(1)
      .map(({ name }) => name)
      .join(', '),
  ],
  ['Size', row.size === null ? null : `${row.size.toLocaleString('en')} bytes`],
  ['Machine', row.machine],
  ['Driver type', row.types.join(', ')],
  ['Compiled', image?.timeIsHash ? 'reproducible build: no time' : day(row.compiled)],
  ['Company', strings['CompanyName']],
  ['Product', strings['ProductName']],
  ['Version', image?.version?.fileVersion ?? strings['FileVersion']],
  ['Status', row.status],
  ['Verdict', row.verdict === 'none' ? null : row.verdict],
  ['Reason', detail.verdictReason],
  ['Tags', row.tags.join(', ')],
])}${knownAs(detail)}${file ? body(file) : ''}${section(
    'Notes',
    detail.notes === '' ? '' : `<pre>${escapeHtml(detail.notes)}</pre>\n`,
  )}</article>
`
}

function knownAs(detail: FileDetail): string {
  return (
    section(
      'Known as',
      table(
        ['entry', 'category', 'names', 'CVE', 'recognised by'],
        detail.known.map((entry) => [
          entry.id,
          entry.category,
          entry.names.join(', '),
          entry.cve.join(', '),
          entry.matchedBy,
        ]),
      ),
    ) +
    section(
      'Blocked by',
      table(
        ['policy', 'version', 'rule', 'why'],
        detail.blocks.map((block) => [block.policy, block.policyVersion, block.rule, block.text]),
      ),
    ) +
    detail.knownAsOf.map((line) => `<p class="small">${escapeHtml(line)}</p>\n`).join('')
  )
}

function body(file: FileFacts): string {
  const { image } = file
  return [
    section('Signature', file.signatures.map(signature).join('')),
    section(
      'Evidence',
      table(
        ['observation', 'rests on', 'caveat'],
        file.evidence.map((item) => [
          item.text,
          Object.entries(item.data)
            .map(([name, value]) => `${name}: ${value}`)
            .join('; '),
          item.caveat,
        ]),
      ),
    ),
    section('Can do', capabilities(file.capabilities)),
    file.driver ? driver(file.driver) : '',
    image
      ? section(
          'Sections',
          table(
            ['name', 'RVA', 'virtual size', 'raw size', 'entropy', 'flags'],
            image.sections.map((it) => [
              it.name,
              hex(it.rva),
              it.virtualSize,
              it.rawSize,
              it.entropy.toFixed(2),
              it.flags,
            ]),
          ),
        )
      : '',
    image
      ? section(
          'Imports',
          table(
            ['module', 'functions'],
            image.imports.map(({ dll, functions }) => [
              dll,
              functions.map(({ name, ordinal }) => name ?? `#${ordinal ?? '?'}`).join(', '),
            ]),
          ),
        )
      : '',
    section(
      'Anomalies',
      table(
        ['severity', 'what', 'offset'],
        file.anomalies.map((it) => [
          it.severity,
          it.text,
          it.offset === null ? '' : hex(it.offset),
        ]),
      ),
    ),
  ].join('')
}

function signature(it: Signature): string {
  const stamp = it.timeStamp
  return (
    facts([
      ['Kind', `${it.kind}: ${it.reason}`],
      ['Digest', `${it.digestAlgorithm}, ${it.digestMatches ? 'matches' : 'does not match'}`],
      ['Time stamp', stamp && `${stamp.time} (${stamp.kind}), root ${stamp.rootName}`],
    ]) +
    table(
      ['certificate', 'issuer', 'from', 'to', 'serial', 'TBS SHA-256'],
      it.chain.map((certificate) => [
        certificate.subjectName,
        certificate.issuerName,
        day(certificate.from),
        day(certificate.to),
        certificate.serial,
        certificate.tbs.sha256,
      ]),
    )
  )
}

/** `49 % of vulnerable, 0.6 % of malicious samples`, as the window says it. */
function rate(capability: CapabilityMatch): string {
  if (capability.baseRate === null) return ''
  const percent = (share: number): string =>
    `${share * 100 >= 10 ? Math.round(share * 100) : Number((share * 100).toFixed(1))} %`
  const { vulnerable, malicious } = capability.baseRate
  return `${percent(vulnerable)} of vulnerable, ${percent(malicious)} of malicious samples`
}

const capabilities = (all: readonly CapabilityMatch[]): string =>
  table(
    ['axis', 'capability', 'evidence', 'ATT&CK', 'found in'],
    all.map((it) => [
      it.axis === 'hardware' ? 'hardware' : 'processes and telemetry',
      it.name,
      it.evidence.map(({ text }) => text).join('; '),
      it.attack.map(({ id, name }) => `${id} ${name}`).join(', '),
      rate(it),
    ]),
  )

function driver(it: DriverFacts): string {
  return (
    section(
      'Devices',
      facts([
        ['Device names', it.deviceNames.map(({ text }) => text).join(', ')],
        ['Symbolic links', it.symbolicLinks.map(({ text }) => text).join(', ')],
        ['Access', it.deviceSecurity],
      ]),
    ) +
    section(
      'Dispatch table',
      table(
        ['function', 'handler'],
        it.majorFunctions.map(({ name, handler }) => [name, hex(handler)]),
      ),
    ) +
    section(
      'Control codes',
      table(
        ['code', 'device type', 'function', 'method', 'access', 'at', 'confidence'],
        it.ioctls.map((code) => [
          code.code,
          code.deviceTypeName ?? hex(code.deviceType),
          hex(code.function),
          code.method,
          code.access,
          hex(code.rva),
          code.confidence,
        ]),
      ),
    ) +
    section(
      'Privileged instructions',
      table(
        ['instruction', 'at'],
        it.privileged.map(({ text, rva }) => [text, hex(rva)]),
      ),
    )
  )
}

const STYLE = `
:root{color-scheme:light dark;--text:#1a202c;--soft:#5c6678;--line:#dde1e8;--bg:#fff}
@media(prefers-color-scheme:dark){:root{--text:#e3e7ee;--soft:#949eaf;--line:#2b323e;--bg:#181c23}}
body{margin:2rem auto;max-width:76rem;padding:0 1.5rem;background:var(--bg);color:var(--text);font:14px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem}h2{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:1.25rem;overflow-wrap:anywhere}
h3{margin:1.4rem 0 .4rem;font-size:1rem}.small{color:var(--soft);font-size:.85rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:500}pre{white-space:pre-wrap;overflow-wrap:anywhere}
`
