/** What the Lab's commands do: they act on the stores, so that key, menu, button and palette are one. */
import { useCommands } from '../commands/registry'
import { mapLine } from '../features/editor/line-map'
import { asAppError, ring } from '../services/ring'
import { nextAtLines, nextProblem, stepOver } from '../services/stepping'
import { useBreakpoints } from '../stores/breakpoints'
import { useEditorPlace } from '../stores/editor-place'
import { useProject } from '../stores/project'
import { useRuns } from '../stores/runs'
import { useUi } from '../stores/ui'

export function useLabCommands(): void {
  const runs = useRuns()
  const project = useProject()
  const ui = useUi()
  const breakpoints = useBreakpoints()
  const place = useEditorPlace()

  const noTrace = (): string | null => (runs.shown ? null : 'No run yet')
  const noStop = (): string | null => (runs.active?.stop ? null : 'The run was not stopped')
  const step = (run: () => void): { run: () => void; blocked: () => string | null } => ({
    run,
    blocked: noTrace,
  })

  async function over(direction: 1 | -1): Promise<void> {
    const run = runs.shown
    if (!run) return
    try {
      const next = await stepOver(run.id, run.step, run.events, direction)
      if (runs.shown?.id === run.id) runs.goTo(next)
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }
  async function toBreakpoint(direction: 1 | -1): Promise<void> {
    const run = runs.shown
    if (!run) return
    const points = breakpoints.points.flatMap(({ file, line }) => {
      const then = mapLine(project.files[file] ?? '', run.request.files[file] ?? '', line)
      return then === null ? [] : [{ file, line: then }]
    })
    const next = await nextAtLines(run.id, points, run.step, direction)
    if (next !== null) runs.goTo(next)
    else
      ui.notify({
        kind: 'info',
        text:
          direction === 1
            ? 'No later event comes from a line with a breakpoint.'
            : 'No earlier event comes from a line with a breakpoint.',
      })
  }
  async function toProblem(direction: 1 | -1): Promise<void> {
    const run = runs.shown
    if (!run) return
    const next = await nextProblem(run.id, run.step, run.events, direction)
    if (next !== null) runs.goTo(next)
  }
  async function exportRun(): Promise<void> {
    const run = runs.active
    if (!run?.report) return
    const text = JSON.stringify(
      { format: 'ring0-labrun/1', title: run.title, request: run.request, report: run.report },
      null,
      1,
    )
    const result = await ring()['app.saveText']({ suggestedName: `${run.title}.labrun`, text })
    if (!result.ok) ui.fail(result.error)
    else if (result.value.path !== null)
      ui.notify({ kind: 'info', text: `The run was saved as ${result.value.path}.` })
  }

  const ofLesson = (): string | null =>
    project.origin === 'lesson' ? 'A lesson keeps its files' : null
  const noBreakpoint = (): string | null =>
    noTrace() ?? (breakpoints.points.length === 0 ? 'No breakpoint is set' : null)

  useCommands({
    'sample.save': {
      run: () => {
        if (project.canSaveInPlace) void project.saveInPlace()
        else ui.dialog = 'save-as'
      },
    },
    'sample.saveAs': () => (ui.dialog = 'save-as'),
    'sample.revert': {
      run: () => void project.revert(),
      blocked: () => (project.isDraft ? null : 'Nothing was changed'),
    },
    'sample.compare': {
      run: () => (ui.dialog = 'compare-sample'),
      blocked: () => (project.fileNames.length === 0 ? 'No project is open' : null),
    },
    'file.add': { run: () => (ui.dialog = 'add-file'), blocked: ofLesson },
    'file.rename': { run: () => (ui.dialog = 'rename-file'), blocked: ofLesson },
    'file.delete': {
      run: () => project.deleteFile(project.activeFile),
      blocked: () =>
        ofLesson() ?? (project.fileNames.length < 2 ? 'A project keeps one file' : null),
    },
    'step.over': step(() => void over(1)),
    'step.backOver': step(() => void over(-1)),
    'step.into': step(() => runs.goTo(runs.step + 1)),
    'step.backInto': step(() => runs.goTo(runs.step - 1)),
    'step.goto': step(() => (ui.picker = 'step')),
    'breakpoint.toggle': () => breakpoints.toggle(place.cursor.file, place.cursor.line),
    'breakpoint.next': { run: () => void toBreakpoint(1), blocked: noBreakpoint },
    'breakpoint.previous': { run: () => void toBreakpoint(-1), blocked: noBreakpoint },
    'problem.next': step(() => void toProblem(1)),
    'problem.previous': step(() => void toProblem(-1)),
    'lab.rings': step(() => {
      ui.picture = ui.picture === 'rings' ? 'time' : 'rings'
      runs.setCover(null)
    }),
    'run.compare': {
      run: () => (ui.dialog = 'compare'),
      blocked: () => (runs.runs.length < 2 ? 'Two runs are needed' : null),
    },
    'run.close': {
      run: () => {
        if (runs.activeId !== null) runs.close(runs.activeId)
      },
      blocked: () =>
        !runs.active ? 'No run yet' : runs.active === runs.running ? 'The run has not ended' : null,
    },
    'run.export': {
      run: () => void exportRun(),
      blocked: () => (runs.active?.report ? null : 'No run yet'),
    },
    'report.show': { run: () => runs.setCover('report'), blocked: noStop },
    'report.cause': {
      run: () => {
        const seq = runs.active?.stop?.report?.firstCause.seq
        if (seq !== null && seq !== undefined) runs.goTo(seq)
      },
      blocked: () =>
        noStop() ?? (runs.active?.stop?.report?.firstCause.seq ? null : 'No first cause is known'),
    },
  })
}
