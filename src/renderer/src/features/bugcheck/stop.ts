/**
 * What stopped a run, in the form that the card and the report show: the same headings for a bug
 * check, a verifier stop, a leak, a hang, a limit and a failed load.
 */
import type { RunReport, StopReport } from '../../../../shared/contract/model'
import { WINDOWS_NAMES } from '../../../../shared/package/policy'
import { shortCode } from '../../../../shared/trace/why'
import { leakNoun, plural, statusMeaning, statusName } from '../../../../shared/trace/words'

export interface Stop {
  outcome: Exclude<RunReport['outcome'], 'ok' | 'compile-error'>
  /** Blue for a bug check, amber for everything else. */
  tone: 'blue' | 'amber'
  /** `BUGCHECK 44`, `LEAK`. */
  label: string
  title: string
  what: string
  seq: number | null
  report: StopReport | null
  leaks: RunReport['leaks']
}

/** The stop of a report, or null when the run ended well (or never began). */
export function stopOf(report: RunReport): Stop | null {
  const { outcome, leaks } = report
  if (outcome === 'ok' || outcome === 'compile-error') return null
  const details = report.report ?? null
  const common = { outcome, seq: details?.seq ?? null, report: details, leaks }
  switch (outcome) {
    case 'bugcheck': {
      const code = report.bugcheck?.code ?? details?.code ?? '0x00000000'
      return {
        ...common,
        tone: 'blue',
        label: `Bug check ${shortCode(code)}`,
        title: report.bugcheck?.name ?? details?.name ?? 'Unknown bug check',
        what: details?.what ?? '',
      }
    }
    case 'verifier-stop':
      return {
        ...common,
        tone: 'amber',
        label: 'Verifier stop',
        title: details?.name ?? report.bugcheck?.name ?? 'DRIVER_VERIFIER_DETECTED_VIOLATION',
        what: details?.what ?? report.reason ?? '',
      }
    case 'leak':
      return {
        ...common,
        tone: 'amber',
        label: 'Leak',
        title: 'The driver was unloaded and left something behind',
        what: details?.what ?? leakSentence(leaks),
      }
    case 'hang':
      return {
        ...common,
        tone: 'amber',
        label: 'Hang',
        title: 'The run cannot go on',
        what: details?.what ?? report.reason ?? '',
      }
    case 'limit':
      return {
        ...common,
        tone: 'amber',
        label: 'Limit',
        title: 'The run was ended by a limit',
        what: details?.what ?? report.reason ?? '',
      }
    case 'load-failed': {
      const status = report.driverEntry?.status
      const refused = report.verdicts?.findLast(({ accepted }) => !accepted)
      if (refused)
        return {
          ...common,
          tone: 'amber',
          label: 'Not loaded',
          title: `${WINDOWS_NAMES[refused.windows]} refused ${refused.driver}: ${refused.statusName}`,
          what: `${refused.because} (rule "${refused.rule}")`,
        }
      return {
        ...common,
        tone: 'amber',
        label: 'Not loaded',
        title:
          status === undefined
            ? 'The driver was not loaded'
            : `DriverEntry returned ${statusName(status)}`,
        what: details?.what ?? report.reason ?? (status === undefined ? '' : statusMeaning(status)),
      }
    }
  }
}

/** `2 pool blocks Toy1, 64 bytes; 1 device \Device\Toy`. */
export function leakSentence(leaks: RunReport['leaks']): string {
  const words = leaks.map((leak) => {
    const what = [plural(leak.count, leakNoun(leak.kind)), leak.tag, leak.name]
      .filter(Boolean)
      .join(' ')
    return leak.bytes === undefined ? what : `${what}, ${plural(leak.bytes, 'byte')}`
  })
  return words.length === 0 ? '' : `Left behind: ${words.join('; ')}.`
}

/** Everything in the report as text, for the clipboard. */
export function stopText(stop: Stop, run: RunReport): string {
  const lines = [`${stop.label}  ${stop.title}`]
  const row = (name: string, text: string): void => {
    if (text) lines.push(`${name.padEnd(12)} ${text}`)
  }
  stop.report?.parameters.forEach((parameter, i) =>
    row(`Arg${i + 1}`, `${parameter}  ${stop.report?.parameterMeanings[i] ?? ''}`),
  )
  row('What', stop.what)
  row('First cause', stop.report?.firstCause.text ?? '')
  row(
    'Stack',
    stop.report?.stack
      .map(({ frame, at }) => (at ? `${frame} (${at.file}:${at.line})` : frame))
      .join('  <-  ') ?? '',
  )
  row('Verifier', stop.report?.verifier ?? '')
  row('Fix', stop.report?.fix ?? '')
  row(
    'Reproduce',
    `seed ${run.seed}${run.verifier.length > 0 ? `, verifier ${run.verifier.join(', ')}` : ''}`,
  )
  return `${lines.join('\n')}\n`
}
