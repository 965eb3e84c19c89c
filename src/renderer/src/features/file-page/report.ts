/** What a file's page says, as text for the clipboard: a ticket, a mail, a note. */
import type { FileDetail } from '../../../../shared/contract/files'
import { hashFacts, identityFacts, type Fact } from './facts'
import { knownFacts, knownTitle, signerFacts, signersOf } from './known-facts'
import {
  AXES,
  baseRate,
  day,
  evidenceData,
  evidenceGroups,
  kindMark,
  noSignature,
  utc,
} from './words'

const NAME_WIDTH = 16

/** Lines of at most a few dozen words each; nothing that is not on the page. */
export function reportText(detail: FileDetail): string {
  const lines = [detail.row.name, '']
  const row = (name: string, text: string): void => {
    if (text !== '') lines.push(`${name.padEnd(NAME_WIDTH)} ${text}`)
  }
  const facts = (list: readonly Fact[]): void => {
    for (const { name, parts } of list)
      row(name, parts.map(({ text, value }) => text ?? value).join(', '))
  }
  const others = detail.names.map(({ name }) => name).filter((name) => name !== detail.row.name)
  row('Also named', [...new Set(others)].join(', '))
  facts(identityFacts(detail))
  facts(hashFacts(detail))

  const read = detail.facts
  if (read) {
    lines.push('', 'Signature')
    if (read.signatures.length === 0) lines.push(`  ${noSignature(read).text}`)
    for (const signature of read.signatures) {
      lines.push(`  ${kindMark(signature.kind).word}. ${signature.reason}`)
      lines.push(`  digest ${signature.digestMatches ? 'matches' : 'does not match'} the file`)
      for (const { subjectName, from, to } of signature.chain)
        lines.push(`  ${subjectName}, ${day(from)} to ${day(to)}`)
      const { timeStamp } = signature
      if (timeStamp)
        lines.push(`  claimed signing ${utc(timeStamp.time)} UTC, root ${timeStamp.rootName}`)
    }
    for (const { title, items } of evidenceGroups(read.evidence)) {
      lines.push('', `${title} (${items.length})`)
      for (const item of items) {
        lines.push(`  ${item.text}`)
        const values = evidenceData(item)
        if (values.length > 0) lines.push(`    rests on: ${values.join('; ')}`)
        if (item.caveat !== '') lines.push(`    but: ${item.caveat}`)
      }
    }
    for (const axis of AXES) {
      const items = read.capabilities.filter((capability) => capability.axis === axis.id)
      if (items.length === 0) continue
      lines.push('', axis.title)
      for (const { name, attack, baseRate: rate } of items) {
        const ids = attack.map(({ id }) => id).join(', ')
        lines.push(`  ${name}${ids && ` (${ids})`}${rate ? `: ${baseRate(rate)}` : ''}`)
      }
    }
    const codes = read.driver?.ioctls ?? []
    if (codes.length > 0)
      lines.push('', 'Control codes', `  ${codes.map(({ code }) => code).join(', ')}`)
  }

  if (detail.knownSamples.length > 0) {
    lines.push('', knownTitle(detail))
    facts(knownFacts(detail.knownSamples))
    for (const signer of signersOf(detail.knownSamples)) facts(signerFacts(signer))
  }

  lines.push('', 'Known as')
  if (detail.known.length === 0) lines.push('  in no entry of the known data')
  for (const entry of detail.known)
    lines.push(
      `  ${entry.source}: ${entry.names.join(', ')} (${entry.category}), by ${entry.matchedBy}`,
    )
  if (detail.blocks.length === 0 && detail.blockPolicies > 0)
    lines.push('  on no block list that was imported')
  for (const block of detail.blocks)
    lines.push(
      `  blocked by ${block.ruleName || block.rule}, ${block.policy} ${block.policyVersion}`,
    )
  row('  as of', detail.knownAsOf.join('; '))
  return `${lines.join('\n')}\n`
}
