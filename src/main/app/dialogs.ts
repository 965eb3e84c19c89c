/** The system's file dialogs. Paths come from the user here and never from the window. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { app, dialog, type BrowserWindow } from 'electron'
import { fail, ok, type Result } from '../../shared/errors'
import type { OpenQuestion, SaveQuestion } from '../desk/asking'

const LAB_FILES = { name: 'Ring0 Lab file', extensions: ['ring0lab'] }

/** A file name made of a title: nothing that a file system would not take. */
export function fileNameOf(title: string): string {
  const name = title
    .replace(/[^\p{L}\p{N} ._-]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[ .]+|[ .]+$/g, '')
    .slice(0, 80)
  return name === '' ? 'lab' : name
}

export async function askExportPath(window: BrowserWindow, title: string): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title: 'Export a lab file',
    defaultPath: join(app.getPath('documents'), `${fileNameOf(title)}.ring0lab`),
    filters: [LAB_FILES],
  })
  if (canceled || !filePath) return null
  return filePath.endsWith('.ring0lab') ? filePath : `${filePath}.ring0lab`
}

export async function askImportPath(window: BrowserWindow): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Import a lab file',
    properties: ['openFile'],
    filters: [LAB_FILES, { name: 'All files', extensions: ['*'] }],
  })
  return canceled ? null : (filePaths[0] ?? null)
}

/** Ask for a folder to keep the catalogue in. */
export async function askFolder(window: BrowserWindow): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Folder of the catalogue',
    properties: ['openDirectory', 'createDirectory'],
  })
  return canceled ? null : (filePaths[0] ?? null)
}

/** Ask for files or folders to read; empty when the user thought better of it. */
export async function askToOpen(
  window: BrowserWindow,
  { title, what, filter }: OpenQuestion,
): Promise<string[]> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title,
    properties: [what === 'folder' ? 'openDirectory' : 'openFile', 'multiSelections'],
    ...(filter && what === 'files'
      ? { filters: [filter, { name: 'All files', extensions: ['*'] }] }
      : {}),
  })
  return canceled ? [] : filePaths
}

/** Ask for the file to write; the ending is put on when it was left out. */
export async function askToSave(
  window: BrowserWindow,
  { title, name, ending }: SaveQuestion,
): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title,
    defaultPath: join(app.getPath('documents'), `${fileNameOf(name)}.${ending}`),
  })
  if (canceled || !filePath) return null
  return filePath.toLowerCase().endsWith(`.${ending}`) ? filePath : `${filePath}.${ending}`
}

/** Ask where a text goes and write it there. */
export async function saveText(
  window: BrowserWindow,
  suggestedName: string,
  text: string,
): Promise<Result<{ path: string | null }>> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    defaultPath: join(app.getPath('documents'), fileNameOf(suggestedName)),
  })
  if (canceled || !filePath) return ok({ path: null })
  try {
    await writeFile(filePath, text, 'utf8')
    return ok({ path: filePath })
  } catch (error) {
    return fail(
      'file-unreadable',
      'The file cannot be written.',
      'Choose a folder that may be written.',
      `${filePath}\n${String(error)}`,
    )
  }
}
