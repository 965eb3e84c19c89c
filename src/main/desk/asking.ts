/** What the desk asks of whoever sits at it. The app answers with the system's dialogs. */

export interface OpenQuestion {
  title: string
  what: 'files' | 'folder'
  /** Endings offered first, for files. */
  filter?: { name: string; extensions: string[] }
}

export interface SaveQuestion {
  title: string
  /** Suggested name without its ending. */
  name: string
  ending: string
}

export interface Asking {
  /** Files or folders to read; empty when the user thought better of it. */
  open(question: OpenQuestion): Promise<string[]>
  /** The file to write, or null. */
  save(question: SaveQuestion): Promise<string | null>
}
