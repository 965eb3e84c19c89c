/** In which image of Windows the routines of the driver framework are. */

/**
 * The framework's image for one of its routines; null for a routine that is none of its own.
 * @param inHost  it runs in a host process of UMDF
 */
export function frameworkModule(routine: string, inHost: boolean): string | null {
  if (!/^(?:Wdf|Fx)[A-Z]/.test(routine)) return null
  return inHost ? 'WUDFx02000' : 'Wdf01000'
}
