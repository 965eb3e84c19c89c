/** Microsoft's names for the numbers in a PE image (winnt.h), without their common beginnings. */
import { hex } from '../../../shared/nt/format'

const machines: Record<number, string> = {
  0x014c: 'I386',
  0x01c4: 'ARMNT',
  0x0200: 'IA64',
  0x8664: 'AMD64',
  0xaa64: 'ARM64',
}

/** Machines whose images are PE32+. */
const wideMachines = new Set([0x0200, 0x8664, 0xaa64])

/** @returns `AMD64` and so on, or `0x` and the number */
export function machineName(machine: number): string {
  return machines[machine] ?? hex(machine)
}

export function isKnownMachine(machine: number): boolean {
  return machine in machines
}

export function is64BitMachine(machine: number): boolean {
  return wideMachines.has(machine)
}

const imageFile: [number, string][] = [
  [0x0001, 'RELOCS_STRIPPED'],
  [0x0002, 'EXECUTABLE_IMAGE'],
  [0x0004, 'LINE_NUMS_STRIPPED'],
  [0x0008, 'LOCAL_SYMS_STRIPPED'],
  [0x0010, 'AGGRESIVE_WS_TRIM'],
  [0x0020, 'LARGE_ADDRESS_AWARE'],
  [0x0080, 'BYTES_REVERSED_LO'],
  [0x0100, '32BIT_MACHINE'],
  [0x0200, 'DEBUG_STRIPPED'],
  [0x0400, 'REMOVABLE_RUN_FROM_SWAP'],
  [0x0800, 'NET_RUN_FROM_SWAP'],
  [0x1000, 'SYSTEM'],
  [0x2000, 'DLL'],
  [0x4000, 'UP_SYSTEM_ONLY'],
  [0x8000, 'BYTES_REVERSED_HI'],
]

const dll: [number, string][] = [
  [0x0020, 'HIGH_ENTROPY_VA'],
  [0x0040, 'DYNAMIC_BASE'],
  [0x0080, 'FORCE_INTEGRITY'],
  [0x0100, 'NX_COMPAT'],
  [0x0200, 'NO_ISOLATION'],
  [0x0400, 'NO_SEH'],
  [0x0800, 'NO_BIND'],
  [0x1000, 'APPCONTAINER'],
  [0x2000, 'WDM_DRIVER'],
  [0x4000, 'GUARD_CF'],
  [0x8000, 'TERMINAL_SERVER_AWARE'],
]

function flagNames(value: number, names: [number, string][]): string[] {
  return names.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name)
}

/** IMAGE_FILE_*. */
export function characteristicNames(value: number): string[] {
  return flagNames(value, imageFile)
}

/** IMAGE_DLLCHARACTERISTICS_*. */
export function dllCharacteristicNames(value: number): string[] {
  return flagNames(value, dll)
}

/** IMAGE_DIRECTORY_ENTRY_*, by index. */
export const DIRECTORY_NAMES = ['EXPORT', 'IMPORT', 'RESOURCE', 'EXCEPTION', 'SECURITY'].concat(
  ['BASERELOC', 'DEBUG', 'ARCHITECTURE', 'GLOBALPTR', 'TLS', 'LOAD_CONFIG', 'BOUND_IMPORT'],
  ['IAT', 'DELAY_IMPORT', 'COM_DESCRIPTOR', 'RESERVED'],
)

const resourceTypes: Record<number, string> = {
  1: 'RT_CURSOR',
  2: 'RT_BITMAP',
  3: 'RT_ICON',
  4: 'RT_MENU',
  5: 'RT_DIALOG',
  6: 'RT_STRING',
  7: 'RT_FONTDIR',
  8: 'RT_FONT',
  9: 'RT_ACCELERATOR',
  10: 'RT_RCDATA',
  11: 'RT_MESSAGETABLE',
  12: 'RT_GROUP_CURSOR',
  14: 'RT_GROUP_ICON',
  16: 'RT_VERSION',
  17: 'RT_DLGINCLUDE',
  19: 'RT_PLUGPLAY',
  20: 'RT_VXD',
  21: 'RT_ANICURSOR',
  22: 'RT_ANIICON',
  23: 'RT_HTML',
  24: 'RT_MANIFEST',
}

export function resourceTypeName(type: number): string {
  return resourceTypes[type] ?? String(type)
}

const debugTypes: Record<number, string> = {
  1: 'COFF',
  2: 'CODEVIEW',
  3: 'FPO',
  4: 'MISC',
  5: 'EXCEPTION',
  6: 'FIXUP',
  7: 'OMAP_TO_SRC',
  8: 'OMAP_FROM_SRC',
  9: 'BORLAND',
  11: 'CLSID',
  12: 'VC_FEATURE',
  13: 'POGO',
  14: 'ILTCG',
  15: 'MPX',
  16: 'REPRO',
  17: 'EMBEDDEDPORTABLEPDB',
  19: 'PDBCHECKSUM',
  20: 'EX_DLLCHARACTERISTICS',
}

/** IMAGE_DEBUG_TYPE_*. */
export function debugTypeName(type: number): string {
  return debugTypes[type] ?? String(type)
}
