/** A run's report in words. */
import type { Diagnostic, RunReport } from '../../shared/contract/model'
import { statusName } from '../../shared/nt/ntstatus'

type Write = (text: string) => void

/** No control character of a driver's text reaches the terminal as one. */
const visible =
  (write: Write): Write =>
  (text) =>
    write(
      text.replace(
        /[^\P{Cc}\n]/gu,
        (sign) => `\\x${sign.codePointAt(0)!.toString(16).padStart(2, '0')}`,
      ),
    )

const TITLES: Readonly<Record<RunReport['outcome'], string>> = {
  ok: 'ok',
  'compile-error': 'does not compile',
  'load-failed': 'the driver refused to load',
  bugcheck: 'BUG CHECK',
  'verifier-stop': 'VERIFIER STOP',
  leak: 'ok, but something was left behind',
  hang: 'hangs',
  limit: 'stopped at a limit',
}

/** Requests shown; the JSON document has them all. */
const REQUESTS_SHOWN = 20

export function printReport(report: RunReport, out: Write): void {
  const write = visible(out)
  for (const diagnostic of report.diagnostics) printDiagnostic(diagnostic, write)
  if (report.outcome === 'compile-error') return
  if (report.dbgPrint.length) {
    write('DbgPrint\n')
    for (const line of report.dbgPrint) write(`  ${line}\n`)
  }
  for (const { driver, accepted, rule, because } of report.verdicts ?? [])
    write(`Policy        ${driver} ${accepted ? 'may load' : `refused by "${rule}"`}: ${because}\n`)
  const isRefused = report.verdicts?.some(({ accepted }) => !accepted) ?? false
  if (report.driverEntry && !isRefused) write(`DriverEntry   ${named(report.driverEntry.status)}\n`)
  if (report.requests.length) {
    write('Requests\n')
    for (const item of report.requests.slice(0, REQUESTS_SHOWN)) {
      const what = item.ioctl ? `${item.major} ${item.ioctl}` : item.major
      write(`  ${what.padEnd(34)} ${named(item.status)}  Information ${item.information}\n`)
    }
    const more = report.stats.requests - Math.min(report.requests.length, REQUESTS_SHOWN)
    if (more > 0) write(`  ... and ${more.toLocaleString('en-US')} more\n`)
  }
  if (report.client) {
    const { exitCode } = report.client
    write(`Client        ${exitCode === null ? 'did not end' : `exit code ${exitCode}`}\n`)
    for (const line of report.client.stdout.split('\n')) if (line) write(`  ${line}\n`)
  }
  if (report.leaks.length) {
    write('Left behind\n')
    for (const leak of report.leaks) {
      const tag = leak.tag ? ` tag '${leak.tag}'` : ''
      const bytes = leak.bytes === undefined ? '' : `, ${leak.bytes} bytes`
      const at = leak.at ? `, made at ${leak.at.file}:${leak.at.line}` : ''
      write(`  ${leak.count} ${leak.kind}${tag}${leak.name ? ` ${leak.name}` : ''}${bytes}${at}\n`)
    }
  }
  if (report.warnings?.length) {
    write('Warnings\n')
    for (const { rule, what, at, first, fix } of report.warnings) {
      write(`  ${at ? `${at.file}:${at.line} ` : ''}${rule}: ${what}\n`)
      if (first)
        write(
          `    First cause: ${first.at ? `${first.at.file}:${first.at.line} ` : ''}${first.text}\n`,
        )
      if (fix) write(`    Fix: ${fix}\n`)
    }
  }
  printAlerts(report, write)
  if (report.report) printStop(report.report, write)
  const title =
    report.outcome === 'load-failed' && isRefused
      ? 'the machine refused the driver'
      : TITLES[report.outcome]
  write(`\n${title}${report.reason ? `: ${report.reason}` : ''}\n`)
}

/** What the defences of the machine said. */
export function printAlerts({ alerts = [] }: RunReport, out: Write): void {
  const write = visible(out)
  if (alerts.length > 0) write('Alerts\n')
  for (const { defence, seq, text } of alerts) write(`  ${defence}, event ${seq}: ${text}\n`)
}

export function printDiagnostic(item: Diagnostic, out: Write): void {
  const write = visible(out)
  write(`${item.file}:${item.line}:${item.column} ${item.severity} ${item.code}: ${item.message}\n`)
  if (item.hint) write(`  ${item.hint}\n`)
}

function printStop(stop: NonNullable<RunReport['report']>, write: Write): void {
  write(`\n${stop.code} ${stop.name}\n`)
  stop.parameters.forEach((parameter, i) => {
    write(`  ${i + 1}  ${parameter}  ${stop.parameterMeanings[i] ?? ''}\n`)
  })
  write(`What          ${stop.what}\n`)
  write(`First cause   ${stop.firstCause.text}\n`)
  if (stop.at) write(`Where         ${stop.at.file}:${stop.at.line}\n`)
  if (stop.stack.length) {
    const frames = stop.stack.map(
      (item) => item.frame + (item.at ? ` (${item.at.file}:${item.at.line})` : ''),
    )
    write(`Stack         ${frames.join('\n              ')}\n`)
  }
  if (stop.verifier) write(`Verifier      ${stop.verifier}\n`)
  write(`Fix           ${stop.fix}\n`)
}

function named(status: string): string {
  return `${status} ${statusName(Number(status))}`
}
