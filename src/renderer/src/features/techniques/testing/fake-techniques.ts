/** Two techniques, two rules and their matrix in memory. With patch protection the machine stops. */
import type { RulesRead } from '../../../../../shared/contract/detections'
import type { ProjectFiles, RunReport } from '../../../../../shared/contract/model'
import type {
  DefenceSummary,
  Matrix,
  TechniqueResult,
  TechniqueSummary,
} from '../../../../../shared/contract/techniques'
import type { DefenceName } from '../../../../../shared/defences'
import type { Alarm, Rule } from '../../../../../shared/detections'
import { fail, ok } from '../../../../../shared/errors'

const technique = (
  slug: string,
  title: string,
  group: TechniqueSummary['group'],
  attack: string[],
): TechniqueSummary => ({
  slug,
  title,
  group,
  order: 10,
  summary: `What ${title} does, in a sentence or two.`,
  attack,
  references: [
    { title: 'ATT&CK', url: 'https://attack.mitre.org/' },
    { title: 'Windows', url: 'https://learn.microsoft.com/' },
  ],
  sees: 'Nobody sees anything of it.',
  detections: ['service-outside'],
  goal: ['The service leads to the driver'],
  twin: { summary: 'The same, by documented means.', goal: ['All services lead into the kernel'] },
  text: '## What to look at\n\nThe table.',
})

const TECHNIQUES = [
  technique('ssdt-hook', 'SSDT hook', 'Kernel tampering', ['T1014']),
  technique('token-theft', 'Token theft', 'Processes', ['T1134.001']),
]
const defence = (name: DefenceName, title: string): DefenceSummary => ({
  name,
  title,
  about: `What ${title} does.`,
  sees: 'Changes of code.',
  misses: 'Changes of data.',
  text: '',
})
const SWITCHES = [defence('patchguard', 'Patch protection'), defence('hvci', 'Memory integrity')]

const MATRIX: Matrix = {
  seed: 1,
  columns: SWITCHES.map(({ name, title, about }) => ({ name, title, about })),
  rows: TECHNIQUES.map(({ slug, title, attack }) => ({
    slug,
    title,
    attack,
    verdicts: [
      { verdict: 'works, then stopped', stop: '0x109', alerts: [] },
      { verdict: 'works', stop: null, alerts: [] },
    ],
    twin: [
      { verdict: 'works', stop: null, alerts: [] },
      { verdict: 'works', stop: null, alerts: [] },
    ],
    seenBy: ['service-outside'],
    inputs: '',
  })),
}

export const FAKE_RULE = `title: Service leads outside
id: service-outside
status: stable
description: A service leads out of the kernel.
logsource: { product: ring0, category: memory, table: ssdt }
detection:
  outside: { inKernel: false }
  condition: outside
level: critical
`
const OTHER_RULE = FAKE_RULE.replace('Service leads outside', 'Another').replace(
  'service-outside',
  'another',
)

const ALARM: Alarm = {
  rule: 'service-outside',
  title: 'Service leads outside',
  level: 'critical',
  tags: ['attack.t1014'],
  times: 1,
  seq: 3,
  seqs: [2, 3],
  tick: 10,
  driver: 'toy',
  at: null,
  table: null,
  row: null,
  shows: { service: 'NtOpenProcess' },
  because: 'Event 3: it leads to the driver.',
}

/** As the real reader does for the rules above: a rule has a known level, or it has a mistake. */
function read(file: string, text: string): RulesRead {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
  const line = text.split('\n').findIndex((each) => each.startsWith('level:')) + 1
  if (!['medium', 'critical'].includes(field('level')))
    return {
      rules: [],
      mistakes: [{ file, line, column: 8, message: 'level: no such level.', hint: 'See docs.' }],
      tests: [],
    }
  const rule = {
    title: field('title'),
    id: field('id'),
    level: field('level'),
    description: field('description'),
  } as Rule
  return {
    rules: [{ rule, file, source: text }],
    mistakes: [],
    tests: [{ rule: rule.id, name: 'fires', raises: true, sample: null, failed: null }],
  }
}

/**
 * @param files   sources of every technique
 * @param runOf   run something under an id and tell of it
 */
export function createFakeTechniques(
  files: ProjectFiles,
  runOf: (runId: string, files: ProjectFiles) => Promise<RunReport>,
): Record<string, (input: never) => unknown> {
  const filesOf = (twin: boolean): ProjectFiles => ({
    ...files,
    'twin.ts': '// by documented means\n',
    ...(twin ? { 'driver.ts': `// twin\n${files['driver.ts'] ?? ''}` } : {}),
  })
  return {
    'techniques.list': () => ok({ techniques: TECHNIQUES, problems: [] }),
    'techniques.defences': () => ok({ defences: SWITCHES }),
    'techniques.matrix': () => ok({ matrix: MATRIX }),
    'techniques.files': ({ twin }: { twin?: boolean }) => ok({ files: filesOf(twin ?? false) }),
    'techniques.run': async (input: { runId: string; twin?: boolean; defences: DefenceName[] }) => {
      const { runId, twin = false, defences } = input
      const report = await runOf(runId, filesOf(twin))
      const isStopped = defences.includes('patchguard')
      return ok({
        runId,
        report: isStopped
          ? {
              ...report,
              outcome: 'bugcheck',
              bugcheck: {
                code: '0x00000109',
                name: 'CRITICAL_STRUCTURE_CORRUPTION',
                parameters: ['0x0', '0x0', '0x0', '0x0'],
                at: null,
              },
            }
          : report,
        worked: true,
        goal: [{ says: TECHNIQUES[0]!.goal[0]!, holds: true, seq: 2, because: 'Event 2.' }],
        alarms: twin ? [] : [ALARM],
        alerts: [],
        difference: [
          {
            table: 'ssdt',
            appeared: [],
            vanished: [],
            changed: [
              {
                before: { index: 1, service: 'NtOpenProcess', module: 'nt', inKernel: true },
                after: { index: 1, service: 'NtOpenProcess', module: 'toy', inKernel: false },
                fields: ['module', 'inKernel'],
              },
            ],
          },
        ],
        files: filesOf(twin),
      } satisfies TechniqueResult)
    },

    'techniques.link': () => ok({}),
    'detections.list': () =>
      ok({
        files: [
          { file: 'another.yaml', text: OTHER_RULE },
          { file: 'service-outside.yaml', text: FAKE_RULE },
        ],
        benign: ['drivers/hello'],
      }),
    'detections.sample': ({ name }: { name: string }) =>
      name === 'drivers/hello'
        ? ok({ files: { ...files, 'driver.ts': `// twin\n${files['driver.ts'] ?? ''}` } })
        : fail('not-found', `There is no sample ${name}.`, 'Choose another.'),
    'rules.names': () => ok({ kinds: ['ddi.called'], columns: { ssdt: ['service', 'inKernel'] } }),
    'rules.read': (input: { files: { file: string; text: string }[] }) => {
      const all = input.files.map(({ file, text }) => read(file, text))
      return ok({
        rules: all.flatMap(({ rules }) => rules),
        mistakes: all.flatMap(({ mistakes }) => mistakes),
        tests: all.flatMap(({ tests }) => tests),
      } satisfies RulesRead)
    },
    'rules.export': ({ texts }: { texts: string[] }) =>
      ok({ text: texts.join('---\n'), rules: texts.length }),
    'lab.detect': () => ok({ alarms: [ALARM] }),
  }
}
