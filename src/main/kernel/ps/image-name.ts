/** Names of image files. Programs lie in `C:\Lab`, the system's own in `C:\Windows`, drivers where services have them. */
import type { Process } from './process'

const VOLUME = '\\Device\\HarddiskVolume1'

/** As SeLocateProcessImageName gives it; empty for the System process, which has no image. */
export function processNtPath(process: Process): string {
  return process.slice < 0 ? '' : VOLUME + process.path
}

/** As creation notify routines get it: `\??\C:\Lab\client.exe`. */
export function processDosPath(process: Process): string {
  return `\\??\\C:${process.path}`
}

/** `\SystemRoot\System32\drivers\toy.sys`. */
export function driverPath(name: string): string {
  return `\\SystemRoot\\System32\\drivers\\${name}.sys`
}
