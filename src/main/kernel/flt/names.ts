/** Names of files as minifilters see them: FLT_FILE_NAME_INFORMATION and its parts. */
import {
  FLTFL_FILE_NAME_PARSED_EXTENSION,
  FLTFL_FILE_NAME_PARSED_FINAL_COMPONENT,
  FLTFL_FILE_NAME_PARSED_PARENT_DIR,
  FLTFL_FILE_NAME_PARSED_STREAM,
} from '../../../shared/nt/generated/constants'
import {
  FILE_OBJECT,
  FLT_FILE_NAME_INFORMATION,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const INFO = FLT_FILE_NAME_INFORMATION

/** A name in a block of its own, `\Device\HarddiskVolume1\folder\file.txt`; 0 when memory is short. */
export function makeName(k: Kernel, file: Ptr, format: number): Ptr {
  const { memory } = k
  const device = memory.ptr(file + FILE_OBJECT.DeviceObject)
  const volume = k.devices.nameOf(device) ?? ''
  const rest = file + FILE_OBJECT.FileName
  const length = memory.u16(rest)
  const text = volume + (length ? memory.text16(memory.ptr(rest + 8), length) : '')
  const at = k.pool.allocate(INFO.SIZE + text.length * 2 + 2, 'FMfn', { system: true })
  if (!at) return 0
  const characters = at + INFO.SIZE
  memory.setText16(characters, text)
  memory.setU16(at + INFO.Size, INFO.SIZE)
  memory.setU32(at + INFO.Format, format)
  part(k, at + INFO.Name, characters, 0, text.length)
  part(k, at + INFO.Volume, characters, 0, volume.length)
  return at
}

function part(k: Kernel, at: Ptr, characters: Ptr, start: number, end: number): void {
  const bytes = Math.max(end - start, 0) * 2
  k.memory.setU16(at + UNICODE_STRING.Length, bytes)
  k.memory.setU16(at + UNICODE_STRING.MaximumLength, bytes)
  k.memory.setPtr(at + UNICODE_STRING.Buffer, bytes ? characters + start * 2 : 0)
}

/** Find the parts of a name: `\folder\`, `file.txt`, `txt`, `:stream`. */
export function parseName(k: Kernel, at: Ptr): void {
  const { memory } = k
  const characters = memory.ptr(at + INFO.Name + UNICODE_STRING.Buffer)
  const text = memory.text16(characters, memory.u16(at + INFO.Name))
  const start = memory.u16(at + INFO.Volume) / 2
  const slash = Math.max(text.lastIndexOf('\\'), start - 1)
  const colon = text.indexOf(':', slash + 1)
  const end = colon < 0 ? text.length : colon
  const dot = text.lastIndexOf('.', end - 1)
  part(k, at + INFO.ParentDir, characters, start, slash + 1)
  part(k, at + INFO.FinalComponent, characters, slash + 1, text.length)
  part(k, at + INFO.Stream, characters, end, text.length)
  part(k, at + INFO.Extension, characters, dot > slash ? dot + 1 : end, end)
  memory.setU16(
    at + INFO.NamesParsed,
    FLTFL_FILE_NAME_PARSED_FINAL_COMPONENT |
      FLTFL_FILE_NAME_PARSED_EXTENSION |
      FLTFL_FILE_NAME_PARSED_STREAM |
      FLTFL_FILE_NAME_PARSED_PARENT_DIR,
  )
}
