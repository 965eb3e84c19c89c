/**
 * The command table: what the menu, the palette, tooltips, key handling and the documentation are
 * made from. The window implements each id; the menu sends ids through `app.command`.
 *
 * Keys are written `Ctrl+Shift+P`; letters and digits name the physical key of a US layout, so that
 * other layouts keep the position. `picture` commands act only while a picture has the focus.
 */

export type CommandGroup = 'File' | 'Run' | 'Step' | 'Go' | 'View' | 'Layout' | 'Help'

export interface CommandInfo {
  readonly id: string
  readonly title: string
  readonly group: CommandGroup
  readonly keys: readonly string[]
  readonly scope: 'app' | 'picture'
  /** Shown in the menu bar. */
  readonly menu: boolean
}

function command<const Id extends string>(
  id: Id,
  title: string,
  group: CommandGroup,
  keys: readonly string[] = [],
  more: { scope?: 'app' | 'picture'; menu?: boolean } = {},
): CommandInfo & { readonly id: Id } {
  const scope = more.scope ?? 'app'
  return { id, title, group, keys, scope, menu: more.menu ?? scope === 'app' }
}

export const COMMANDS = [
  command('project.new', 'New driver', 'File'),
  command('project.open', 'Open sample, object or event', 'File', ['Ctrl+P']),
  command('project.save', 'Save to the catalogue', 'File', ['Ctrl+S']),
  command('project.revert', 'Discard draft and return to the saved sample', 'File'),
  command('file.new', 'Add file', 'File'),
  command('file.rename', 'Rename file', 'File'),
  command('file.delete', 'Delete file', 'File'),

  command('run.start', 'Run', 'Run', ['F5']),
  command('run.stop', 'Stop', 'Run', ['Shift+F5']),
  command('run.compare', 'Compare two runs', 'Run'),
  command('run.report', 'Show the report of the stop', 'Run'),
  command('run.save', 'Save run as .labrun', 'Run'),
  command('run.close', 'Close run', 'Run'),

  command('step.over', 'Step over', 'Step', ['F10']),
  command('step.overBack', 'Step back over', 'Step', ['Ctrl+F10']),
  command('step.into', 'Step into', 'Step', ['F11']),
  command('step.intoBack', 'Step back into', 'Step', ['Ctrl+F11']),
  command('step.next', 'Next step', 'Step', ['Right'], { scope: 'picture' }),
  command('step.previous', 'Previous step', 'Step', ['Left'], { scope: 'picture' }),
  command('step.first', 'First step', 'Step', ['Home'], { scope: 'picture' }),
  command('step.last', 'Last step', 'Step', ['End'], { scope: 'picture' }),
  command('step.nextProblem', 'Next problem', 'Step', ['E'], { scope: 'picture', menu: true }),
  command('step.previousProblem', 'Previous problem', 'Step', ['Shift+E'], {
    scope: 'picture',
    menu: true,
  }),
  command('step.goto', 'Go to step', 'Step', ['Ctrl+G']),
  command('step.why', 'Why did this happen?', 'Step', ['W'], { scope: 'picture', menu: true }),
  command('step.firstCause', 'Go to the first cause of the stop', 'Step'),
  command('step.breakpoint', 'Toggle breakpoint', 'Step', ['F9']),
  command('step.nextBreakpoint', 'Next breakpoint', 'Step', ['Ctrl+F9']),
  command('step.previousBreakpoint', 'Previous breakpoint', 'Step', ['Ctrl+Shift+F9']),

  command('go.lab', 'Lab', 'Go', ['Ctrl+1']),
  command('go.explorer', 'Explorer', 'Go', ['Ctrl+2']),
  command('go.catalogue', 'Catalogue', 'Go', ['Ctrl+3']),
  command('go.nextRegion', 'Next region', 'Go', ['F6']),
  command('go.previousRegion', 'Previous region', 'Go', ['Shift+F6']),
  command('go.editor', 'Editor', 'Go'),
  command('go.timeline', 'Timeline', 'Go'),
  command('go.output', 'Output', 'Go'),
  command('go.problems', 'Problems', 'Go', ['Ctrl+Shift+M']),

  command('view.palette', 'Commands', 'View', ['Ctrl+Shift+P']),
  command('view.table', 'Show picture as table', 'View', ['T'], { scope: 'picture', menu: true }),
  command('view.zoomIn', 'Zoom in', 'View', ['+'], { scope: 'picture' }),
  command('view.zoomOut', 'Zoom out', 'View', ['-'], { scope: 'picture' }),
  command('view.zoomFit', 'Show the whole run', 'View', ['0'], { scope: 'picture' }),
  command('view.textLarger', 'Larger text', 'View', ['Ctrl+=']),
  command('view.textSmaller', 'Smaller text', 'View', ['Ctrl+-']),
  command('view.textReset', 'Normal text size', 'View', ['Ctrl+0']),
  command('view.themeSystem', 'Theme: follow the system', 'View'),
  command('view.themeLight', 'Theme: light', 'View'),
  command('view.themeDark', 'Theme: dark', 'View'),
  command('view.themeContrast', 'Theme: high contrast', 'View'),
  command('view.detail', 'Switch between learner and expert detail', 'View'),
  command('view.settings', 'Settings', 'View', ['Ctrl+,']),

  command('layout.write', 'Layout: Write', 'Layout'),
  command('layout.watch', 'Layout: Watch', 'Layout'),
  command('layout.explain', 'Layout: Explain', 'Layout'),
  command('layout.present', 'Layout: Present', 'Layout'),
  command('layout.reset', 'Reset layout', 'Layout'),

  command('help.keys', 'Keyboard reference', 'Help'),
  command('help.about', 'About Ring0 Lab', 'Help'),
] as const

export type CommandId = (typeof COMMANDS)[number]['id']

const byId = new Map<string, CommandInfo>(COMMANDS.map((item) => [item.id, item]))

/** The row of a command, or undefined for an unknown id. */
export function commandInfo(id: string): CommandInfo | undefined {
  return byId.get(id)
}
