/** What the environment and the command line ask of the app, beyond opening a window. */

export interface Environment {
  /** Folder to keep everything in, instead of the user's own. */
  userData: string | null
  /** Write a PNG of the window here once the first run is shown, and quit. */
  screenshot: string | null
  /** Write how long the start took here once the window is usable, and quit. */
  startupReport: string | null
  /** Where the window is served from while the app is being developed. */
  developmentServer: string | undefined
}

/** Read it; empty variables count as absent. */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  isPackaged: boolean,
): Environment {
  const text = (name: string): string | null => variables[name] || null
  return {
    userData: text('RING0_USER_DATA'),
    screenshot: text('RING0_SCREENSHOT'),
    startupReport: text('RING0_STARTUP_REPORT'),
    developmentServer: isPackaged ? undefined : (text('ELECTRON_RENDERER_URL') ?? undefined),
  }
}
