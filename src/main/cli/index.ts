/** The terminal face: toy drivers (`run`, `check`, `ddi`) and driver files (`scan` and so on). */
import { parseArguments, USAGE } from './arguments'
import { check } from './check'
import { describeRoutine } from './ddi'
import { detect } from './detect'
import { replay } from './dump'
import { explore } from './explore'
import { checkLessons } from './lesson'
import { matrix } from './matrix'
import { run } from './run'
import { verify } from './verify'

async function main(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2))
  if ('problem' in parsed) {
    process.stderr.write(`ring0: ${parsed.problem}\n\n${USAGE}`)
    return 1
  }
  switch (parsed.command) {
    case 'help':
      process.stdout.write(USAGE)
      return 0
    case 'run':
      return run(parsed)
    case 'replay':
      return replay(parsed)
    case 'explore':
      return explore(parsed)
    case 'verify':
      return verify(parsed)
    case 'check':
      return check(parsed)
    case 'lesson':
      return checkLessons(parsed)
    case 'detect':
      return detect(parsed)
    case 'matrix':
      return matrix(parsed)
    case 'ddi':
      return describeRoutine(parsed.name)
    // Loaded only here: a run of a toy driver needs neither SQLite nor what reads driver files.
    case 'package':
      return (await import('./package')).writePackage(parsed)
    case 'policy':
      return (await import('./policy')).judgeFiles(parsed)
    case 'scan':
      return (await import('./files/scan')).scanFiles(parsed)
    case 'import':
      return (await import('./files/commands')).importFiles(parsed)
    case 'search':
      return (await import('./files/commands')).searchFiles(parsed)
    case 'export':
      return (await import('./files/commands')).exportFiles(parsed)
  }
}

// Who reads only the beginning (`| head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// exitCode, not exit(): what was written to a pipe has to get out first.
void main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    const { message } = error instanceof Error ? error : new Error(String(error))
    process.stderr.write(`ring0: a fault of the program, not of the driver: ${message}\n`)
    process.exitCode = 70
  },
)
