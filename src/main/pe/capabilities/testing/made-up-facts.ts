/** Facts of drivers that do not exist, for tests: only what a rule looks at is there. */
import {
  FACTS_SCHEMA,
  type DriverFacts,
  type FileString,
} from '../../../../shared/driver-file/facts'
import type { CapabilityFacts } from '../features'

export interface MadeUp {
  /** Imported from ntoskrnl.exe; `FLTMGR.SYS!FltRegisterFilter` says another module. */
  imports?: string[]
  resolved?: string[]
  strings?: string[]
  /** Texts of the class security-product. */
  products?: string[]
  /** Whole instructions: `mov cr0,rax`. */
  instructions?: string[]
  types?: DriverFacts['types'][number]['type'][]
  /** Method and access of IOCTL codes. */
  ioctls?: [method: DriverFacts['ioctls'][number]['method'], access: string][]
}

const text = (value: string, at: number, classes: FileString['classes']): FileString => ({
  offset: 0x1000 + 64 * at,
  encoding: 'utf16',
  text: value,
  classes,
})

/** `mov cr0,rax` is called `mov cr0`, everything else by its first word. */
function label(instruction: string): string {
  const register = /\b[cd]r\d+/.exec(instruction)?.[0]
  return register ? `mov ${register}` : (instruction.split(' ')[0] ?? instruction)
}

export function madeUpFacts(made: MadeUp): CapabilityFacts {
  const modules = new Map<string, string[]>()
  for (const item of made.imports ?? []) {
    const [name = '', dll = 'ntoskrnl.exe'] = item.split('!').reverse()
    modules.set(dll, [...(modules.get(dll) ?? []), name])
  }
  const driver: DriverFacts = {
    types: (made.types ?? []).map((type) => ({ type, evidence: 'made up' })),
    deviceNames: [],
    symbolicLinks: [],
    sddl: [],
    deviceSecurity: null,
    driverEntry: 0x1000,
    driverUnload: null,
    addDevice: null,
    majorFunctions: [],
    ioctls: (made.ioctls ?? []).map(([method, access], at) => ({
      code: `0x0022200${at}`,
      deviceType: 0x22,
      deviceTypeName: 'FILE_DEVICE_UNKNOWN',
      function: 0x800,
      method,
      access,
      rva: 0x1200,
      handler: null,
      how: 'compare',
      confidence: 'high',
    })),
    privileged: (made.instructions ?? []).map((instruction, at) => ({
      instruction: label(instruction),
      rva: 0x1100 + at,
      text: instruction,
    })),
    resolvedRoutines: made.resolved ?? [],
    code: { instructions: 100, functions: 3, isComplete: true, note: null },
  }
  return {
    schema: FACTS_SCHEMA,
    size: 10_000,
    hashes: { md5: '', sha1: '', sha256: '' },
    tlsh: null,
    entropy: { blockSize: 256, values: [] },
    image: imageOf(modules),
    strings: [
      ...(made.strings ?? []).map((value, at) => text(value, at, [])),
      ...(made.products ?? []).map((value, at) => text(value, 500 + at, ['security-product'])),
    ],
    signatures: [],
    evidence: [],
    driver,
    anomalies: [],
  }
}

function imageOf(modules: Map<string, string[]>): CapabilityFacts['image'] {
  return {
    machine: 'AMD64',
    is64Bit: true,
    subsystem: 1,
    characteristics: [],
    dllCharacteristics: [],
    imageBase: '0x140000000',
    entryPoint: 0x1000,
    sizeOfImage: 0x8000,
    sizeOfHeaders: 0x400,
    sectionAlignment: 0x1000,
    fileAlignment: 0x200,
    linkerVersion: '14.0',
    osVersion: '10.0',
    subsystemVersion: '10.0',
    compiled: null,
    timestamp: 0,
    timeIsHash: false,
    checksum: { reported: 0, computed: 0, matches: true },
    sections: [],
    directories: [],
    imports: [...modules].map(([dll, names], module) => ({
      dll,
      delayed: false,
      descriptors: 1,
      functions: names.map((name, at) => ({
        name,
        ordinal: null,
        slot: 0x5000 + 0x400 * module + 8 * at,
      })),
    })),
    importDescriptors: modules.size,
    imphash: null,
    exports: null,
    resources: [],
    version: null,
    debug: [],
    rich: null,
    relocations: null,
    loadConfig: null,
    overlay: null,
    certificateTable: null,
    authentihash: null,
    pageHash: null,
  }
}
