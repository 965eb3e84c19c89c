/**
 * The command table: one row for everything that a key, the menu or the palette can do. Menu,
 * palette, tooltips, settings and README are drawn from it.
 *
 * Keys are written `Ctrl+Alt+Shift+Key` in that order (`Ctrl` is the command key on macOS). A row
 * with an `area` other than `app` acts only while that part of the window has the focus, which is
 * what makes single letters possible. Main shows the keys in the menu and never takes them itself:
 * the window hears every key, so F10 and F11 stay free for stepping.
 */

/**
 * Where a command acts. `app` is everywhere; `pictures` are the timeline and its neighbours;
 * `catalogue` is the shelf of toy drivers and `files` the shelf of driver files.
 */
export type CommandArea =
  | 'app'
  | 'lab'
  | 'editor'
  | 'pictures'
  | 'explorer'
  | 'catalogue'
  | 'files'
  | 'learn'
  | 'techniques'

/** Which menu shows the command; absent for those that only the palette and keys offer. */
export type CommandMenu = 'file' | 'run' | 'view' | 'catalogue' | 'help'

export interface Command {
  id: string
  title: string
  /** First one is shown; all of them work. */
  keys: readonly string[]
  area: CommandArea
  menu?: CommandMenu
  /** Commands of one menu with equal groups stand together between separators. */
  group?: number
}

export const COMMANDS = [
  { id: 'sample.new', title: 'New sample', keys: ['Ctrl+N'], area: 'app', menu: 'file', group: 1 },
  { id: 'open.anything', title: 'Open…', keys: ['Ctrl+P'], area: 'app', menu: 'file', group: 1 },
  { id: 'sample.save', title: 'Save', keys: ['Ctrl+S'], area: 'lab', menu: 'file', group: 2 },
  {
    id: 'sample.saveAs',
    title: 'Save as a new sample',
    keys: ['Ctrl+Shift+S'],
    area: 'lab',
    menu: 'file',
    group: 2,
  },
  {
    id: 'sample.revert',
    title: 'Discard the draft',
    keys: [],
    area: 'lab',
    menu: 'file',
    group: 2,
  },
  {
    id: 'sample.compare',
    title: 'Compare with a sample…',
    keys: [],
    area: 'lab',
    menu: 'file',
    group: 2,
  },
  { id: 'file.add', title: 'Add a file', keys: [], area: 'lab' },
  { id: 'file.rename', title: 'Rename this file', keys: [], area: 'lab' },
  { id: 'file.delete', title: 'Delete this file', keys: [], area: 'lab' },
  {
    id: 'labfile.import',
    title: 'Import a lab file…',
    keys: ['Ctrl+Shift+O'],
    area: 'app',
    menu: 'file',
    group: 3,
  },
  {
    id: 'labfile.export',
    title: 'Export a lab file…',
    keys: ['Ctrl+Shift+E'],
    area: 'app',
    menu: 'file',
    group: 3,
  },

  { id: 'lab.run', title: 'Run', keys: ['F5'], area: 'app', menu: 'run', group: 1 },
  { id: 'lab.stop', title: 'Stop', keys: ['Shift+F5'], area: 'app', menu: 'run', group: 1 },
  { id: 'step.over', title: 'Step over', keys: ['F10'], area: 'lab', menu: 'run', group: 2 },
  {
    id: 'step.backOver',
    title: 'Step back over',
    keys: ['Ctrl+F10'],
    area: 'lab',
    menu: 'run',
    group: 2,
  },
  { id: 'step.into', title: 'Step into', keys: ['F11'], area: 'lab', menu: 'run', group: 2 },
  {
    id: 'step.backInto',
    title: 'Step back into',
    keys: ['Ctrl+F11'],
    area: 'lab',
    menu: 'run',
    group: 2,
  },
  {
    id: 'step.goto',
    title: 'Go to step…',
    keys: ['Ctrl+G'],
    area: 'lab',
    menu: 'run',
    group: 2,
  },
  { id: 'step.previous', title: 'Previous step', keys: ['Left'], area: 'pictures' },
  { id: 'step.next', title: 'Next step', keys: ['Right'], area: 'pictures' },
  { id: 'step.first', title: 'First step', keys: ['Home'], area: 'pictures' },
  { id: 'step.last', title: 'Last step', keys: ['End'], area: 'pictures' },
  { id: 'problem.next', title: 'Next problem', keys: ['E'], area: 'pictures' },
  { id: 'problem.previous', title: 'Previous problem', keys: ['Shift+E'], area: 'pictures' },
  { id: 'why.selection', title: 'Why?', keys: ['W'], area: 'pictures' },
  { id: 'picture.table', title: 'Show this picture as a table', keys: ['T'], area: 'pictures' },
  { id: 'picture.zoomIn', title: 'Zoom in', keys: ['+', '='], area: 'pictures' },
  { id: 'picture.zoomOut', title: 'Zoom out', keys: ['-'], area: 'pictures' },
  { id: 'picture.zoomReset', title: 'Show all', keys: ['0'], area: 'pictures' },
  { id: 'run.compare', title: 'Compare two runs', keys: [], area: 'lab', menu: 'run', group: 3 },
  {
    id: 'report.show',
    title: 'Show the report of the stop',
    keys: [],
    area: 'lab',
    menu: 'run',
    group: 3,
  },
  {
    id: 'breakpoint.toggle',
    title: 'Breakpoint on this line',
    keys: ['F9'],
    area: 'lab',
    menu: 'run',
    group: 3,
  },

  {
    id: 'breakpoint.next',
    title: 'Next breakpoint',
    keys: ['Ctrl+F9'],
    area: 'lab',
    menu: 'run',
    group: 3,
  },
  {
    id: 'breakpoint.previous',
    title: 'Previous breakpoint',
    keys: ['Ctrl+Shift+F9'],
    area: 'lab',
    menu: 'run',
    group: 3,
  },
  { id: 'report.cause', title: 'Go to the first cause of the stop', keys: [], area: 'lab' },
  { id: 'run.export', title: 'Save the run as .labrun', keys: [], area: 'lab' },
  { id: 'run.close', title: 'Close this run', keys: [], area: 'lab' },

  { id: 'view.lab', title: 'Lab', keys: ['Ctrl+1'], area: 'app', menu: 'view', group: 1 },
  {
    id: 'view.explorer',
    title: 'Kernel explorer',
    keys: ['Ctrl+2'],
    area: 'app',
    menu: 'view',
    group: 1,
  },
  {
    id: 'view.catalogue',
    title: 'Catalogue',
    keys: ['Ctrl+3'],
    area: 'app',
    menu: 'view',
    group: 1,
  },
  { id: 'view.learn', title: 'Learn', keys: ['Ctrl+4'], area: 'app', menu: 'view', group: 1 },
  {
    id: 'view.techniques',
    title: 'Techniques',
    keys: ['Ctrl+5'],
    area: 'app',
    menu: 'view',
    group: 1,
  },
  { id: 'region.next', title: 'Next region', keys: ['F6'], area: 'app', menu: 'view', group: 2 },
  {
    id: 'region.previous',
    title: 'Previous region',
    keys: ['Shift+F6'],
    area: 'app',
    menu: 'view',
    group: 2,
  },
  {
    id: 'lab.package',
    title: 'Driver package',
    keys: ['Ctrl+Shift+D'],
    area: 'app',
    menu: 'view',
    group: 3,
  },
  {
    id: 'lab.rings',
    title: 'Rings: follow a system call',
    keys: ['Ctrl+Shift+R'],
    area: 'lab',
    menu: 'view',
    group: 3,
  },
  { id: 'layout.write', title: 'Layout: Write', keys: [], area: 'app', menu: 'view', group: 3 },
  { id: 'layout.watch', title: 'Layout: Watch', keys: [], area: 'app', menu: 'view', group: 3 },
  { id: 'layout.explain', title: 'Layout: Explain', keys: [], area: 'app', menu: 'view', group: 3 },
  { id: 'layout.present', title: 'Layout: Present', keys: [], area: 'app', menu: 'view', group: 3 },
  { id: 'layout.reset', title: 'Reset layout', keys: [], area: 'app', menu: 'view', group: 3 },
  {
    id: 'theme.system',
    title: 'Theme: as the system',
    keys: [],
    area: 'app',
    menu: 'view',
    group: 4,
  },
  { id: 'theme.light', title: 'Theme: light', keys: [], area: 'app', menu: 'view', group: 4 },
  { id: 'theme.dark', title: 'Theme: dark', keys: [], area: 'app', menu: 'view', group: 4 },
  {
    id: 'theme.contrast',
    title: 'Theme: high contrast',
    keys: [],
    area: 'app',
    menu: 'view',
    group: 4,
  },
  {
    id: 'text.larger',
    title: 'Larger text',
    keys: ['Ctrl+=', 'Ctrl++'],
    area: 'app',
    menu: 'view',
    group: 5,
  },
  {
    id: 'text.smaller',
    title: 'Smaller text',
    keys: ['Ctrl+-'],
    area: 'app',
    menu: 'view',
    group: 5,
  },
  {
    id: 'text.reset',
    title: 'Usual text size',
    keys: ['Ctrl+0'],
    area: 'app',
    menu: 'view',
    group: 5,
  },

  { id: 'detail.toggle', title: 'Learner or expert detail', keys: [], area: 'app' },
  {
    id: 'view.settings',
    title: 'Settings',
    keys: ['Ctrl+,'],
    area: 'app',
    menu: 'view',
    group: 6,
  },

  {
    id: 'catalogue.search',
    title: 'Search the catalogue',
    keys: ['Ctrl+F', '/'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 1,
  },
  {
    id: 'catalogue.open',
    title: 'Open in the Lab',
    keys: ['Enter'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 2,
  },
  {
    id: 'catalogue.duplicate',
    title: 'Duplicate',
    keys: ['Ctrl+D'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 2,
  },
  {
    id: 'catalogue.tag',
    title: 'Tag the selected samples',
    keys: ['Ctrl+T'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 2,
  },
  {
    id: 'catalogue.delete',
    title: 'Delete',
    keys: ['Delete'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 2,
  },
  {
    id: 'catalogue.undo',
    title: 'Undo the deletion',
    keys: ['Ctrl+Z'],
    area: 'catalogue',
    menu: 'catalogue',
    group: 2,
  },
  {
    id: 'catalogue.restoreBundled',
    title: 'Bring shipped samples back',
    keys: [],
    area: 'app',
    menu: 'catalogue',
    group: 3,
  },

  {
    id: 'shelf.files',
    title: 'Shelf of driver files',
    keys: ['Ctrl+Shift+3'],
    area: 'app',
    menu: 'catalogue',
    group: 4,
  },
  {
    id: 'shelf.toys',
    title: 'Shelf of toy drivers',
    keys: ['Ctrl+Shift+4'],
    area: 'app',
    menu: 'catalogue',
    group: 4,
  },
  {
    id: 'file.import',
    title: 'Import driver files…',
    keys: ['Ctrl+O'],
    area: 'app',
    menu: 'catalogue',
    group: 5,
  },
  {
    id: 'file.importFolder',
    title: 'Import a folder of driver files…',
    keys: ['Ctrl+Alt+O'],
    area: 'app',
    menu: 'catalogue',
    group: 5,
  },
  {
    id: 'file.knownData',
    title: 'Known data, YARA rules, quarantine…',
    keys: ['Ctrl+Alt+K'],
    area: 'app',
    menu: 'catalogue',
    group: 5,
  },
  {
    id: 'file.search',
    title: 'Search the driver files',
    keys: ['Ctrl+F', '/'],
    area: 'files',
    menu: 'catalogue',
    group: 6,
  },
  {
    id: 'file.saveSearch',
    title: 'Save this search…',
    keys: ['Ctrl+S'],
    area: 'files',
    menu: 'catalogue',
    group: 6,
  },
  {
    id: 'file.open',
    title: 'Open the page of the driver file',
    keys: ['Enter'],
    area: 'files',
    menu: 'catalogue',
    group: 7,
  },
  {
    id: 'file.back',
    title: 'Back to the list of driver files',
    keys: ['Alt+Left'],
    area: 'files',
    menu: 'catalogue',
    group: 7,
  },
  {
    id: 'file.selectAll',
    title: 'Select all driver files found',
    keys: ['Ctrl+A'],
    area: 'files',
  },
  {
    id: 'file.tag',
    title: 'Tag the selected driver files',
    keys: ['Ctrl+T'],
    area: 'files',
    menu: 'catalogue',
    group: 8,
  },
  {
    id: 'file.compare',
    title: 'Compare two driver files',
    keys: ['Ctrl+D'],
    area: 'files',
    menu: 'catalogue',
    group: 8,
  },
  {
    id: 'file.matrix',
    title: 'Capabilities of the selected driver files',
    keys: ['Ctrl+M'],
    area: 'files',
    menu: 'catalogue',
    group: 8,
  },
  {
    id: 'file.export',
    title: 'Export driver files…',
    keys: ['Ctrl+E'],
    area: 'files',
    menu: 'catalogue',
    group: 8,
  },
  {
    id: 'file.remove',
    title: 'Remove driver files from the shelf',
    keys: ['Delete'],
    area: 'files',
    menu: 'catalogue',
    group: 9,
  },
  {
    id: 'file.undo',
    title: 'Undo the last change to driver files',
    keys: ['Ctrl+Z'],
    area: 'files',
    menu: 'catalogue',
    group: 9,
  },

  { id: 'learn.hint', title: 'Next hint of the lesson', keys: ['H'], area: 'learn' },
  { id: 'learn.next', title: 'Next lesson', keys: ['N'], area: 'learn' },
  { id: 'learn.inLab', title: 'Show the run of the lesson in the Lab', keys: ['L'], area: 'learn' },
  { id: 'learn.solution', title: 'Compare with the solution', keys: [], area: 'learn' },
  { id: 'learn.reset', title: 'Reset the lesson', keys: [], area: 'learn' },

  {
    id: 'techniques.inLab',
    title: 'Open the technique in the Lab',
    keys: ['L'],
    area: 'techniques',
  },
  {
    id: 'techniques.sources',
    title: 'Compare the technique with its twin',
    keys: ['S'],
    area: 'techniques',
  },
  {
    id: 'techniques.twin',
    title: 'Switch between technique and twin',
    keys: ['T'],
    area: 'techniques',
  },
  { id: 'techniques.matrix', title: 'Matrix of techniques and defences', keys: [], area: 'app' },
  { id: 'techniques.rules', title: 'Detection rules', keys: [], area: 'app' },

  {
    id: 'palette.open',
    title: 'Commands',
    keys: ['Ctrl+Shift+P'],
    area: 'app',
    menu: 'help',
    group: 1,
  },
  { id: 'help.keys', title: 'Keys', keys: [], area: 'app', menu: 'help', group: 1 },
  { id: 'help.about', title: 'About Ring0 Lab', keys: [], area: 'app', menu: 'help', group: 2 },
] as const satisfies readonly Command[]

export type CommandId = (typeof COMMANDS)[number]['id']

/** The table by id; a row always exists. */
export const commandById = (id: CommandId): Command => BY_ID.get(id)!

const BY_ID = new Map<string, Command>(COMMANDS.map((command) => [command.id, command]))

/** Whether a text names a command: the menu's messages cross IPC as plain text. */
export const isCommandId = (id: string): id is CommandId => BY_ID.has(id)

const MODIFIERS = ['Ctrl', 'Alt', 'Shift'] as const

export interface KeyPress {
  ctrl: boolean
  alt: boolean
  shift: boolean
  /** Name of the key without modifiers, as in the table: `P`, `F5`, `Left`, `+`. */
  key: string
}

/**
 * Read one key combination of the table.
 * @throws RangeError for a text that is not `Ctrl+Alt+Shift+Key`
 */
export function parseKeys(keys: string): KeyPress {
  let rest = keys
  const held = { Ctrl: false, Alt: false, Shift: false }
  for (const modifier of MODIFIERS) {
    if (rest.startsWith(`${modifier}+`) && rest.length > modifier.length + 1) {
      held[modifier] = true
      rest = rest.slice(modifier.length + 1)
    }
  }
  if (rest === '' || /\s/.test(rest) || (rest.length > 1 && rest.includes('+')))
    throw new RangeError(`Not a key combination: ${keys}`)
  return { ctrl: held.Ctrl, alt: held.Alt, shift: held.Shift, key: rest }
}
