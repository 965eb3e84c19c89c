/** The app itself: what it is, how it looks, the menu's commands. */
import { z } from 'zod'
import { call, stream } from './table'

/** `system` follows the operating system. */
export const Theme = z.enum(['system', 'light', 'dark', 'contrast'])
export type Theme = z.infer<typeof Theme>

export const appContract = {
  'app.info': call(
    z.object({}),
    z.object({
      version: z.string(),
      electron: z.string(),
      platform: z.string(),
      /** What the user chose; `dark` and `highContrast` say what the system asks for now. */
      theme: Theme,
      dark: z.boolean(),
      highContrast: z.boolean(),
      licences: z.array(z.object({ name: z.string(), licence: z.string() })),
    }),
  ),
  'app.theme': call(z.object({ theme: Theme }), z.object({})),
  /**
   * The window has painted a usable screen; main uses it for start-up figures and screenshots.
   * `editorAt` says when text could be typed, in ms since 1970.
   */
  'app.ready': call(
    z.object({ firstRunShown: z.boolean(), editorAt: z.number().optional() }),
    z.object({}),
  ),
  'app.copy': call(z.object({ text: z.string().max(1_000_000) }), z.object({})),
  'app.openDocs': call(z.object({ name: z.string().max(200) }), z.object({})),
  'app.saveText': call(
    z.object({ suggestedName: z.string().max(200), text: z.string() }),
    z.object({ path: z.string().nullable() }),
  ),

  /** Answer to `app.closing`: everything typed is saved, the window may go. */
  'app.closed': call(z.object({}), z.object({})),

  'app.command': stream(z.object({ command: z.string() })),
  'app.systemTheme': stream(z.object({ dark: z.boolean(), highContrast: z.boolean() })),
  /** The window is about to close: save what is not saved yet and call `app.closed`, within a second. */
  'app.closing': stream(z.object({})),
}
