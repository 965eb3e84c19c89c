/** Part of the world: the file system with its volume, and what lies on it when the machine has booted. */
import {
  FILE_ATTRIBUTE_HIDDEN,
  FILE_ATTRIBUTE_SYSTEM,
} from '../../../shared/nt/generated/constants'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { SERVICES_PATH } from '../cm/registry'
import type { KernelRoutine } from '../ddi/types'
import { Ntfs, VOLUME_DEVICE } from '../fs/ntfs'
import { BYTES_MAX, DEPTH_MAX, FileTree } from '../fs/tree'
import type { Kernel } from '../kernel'
import { FOLDERS, IMAGE_FILES, SYSTEM_FILES, TEXT_FILES } from './file-table'
import { SYSTEM_MODULES } from './module-table'
import { SYSTEM_PROCESSES } from './process-table'
import type { World } from './world'

/** A file that a scenario puts there; null for a folder. */
export type GivenFiles = ReadonlyMap<string, Uint8Array | null>

/** What stands for an image: the mark of a file that can be run, and a size. */
const IMAGE_BYTES = 512
const image = (): Uint8Array => {
  const bytes = new Uint8Array(IMAGE_BYTES)
  bytes.set([0x4d, 0x5a])
  return bytes
}

/** Of a path that the registry has: MAX_PATH characters and the zero behind them. */
const PATH_BYTES_MAX = 2 * 261

const textBytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

/** `\SystemRoot\System32\x.sys` as a path on the volume; null for any other form. */
function pathOfImage(imagePath: string): string | null {
  const inWindows = imagePath.replace(/^(?:\\SystemRoot|%SystemRoot%)\\/i, '\\Windows\\')
  if (inWindows.startsWith('\\')) return inWindows
  return /^[A-Za-z]:\\/.test(imagePath) ? imagePath.slice(2) : null
}

/** A REG_SZ, or what somebody wrote in its place: whole characters, as many as a path may have. */
function pathOfValue(data: Uint8Array): string {
  let text = ''
  for (let at = 0; at + 1 < Math.min(data.length, PATH_BYTES_MAX); at += 2)
    text += String.fromCharCode(data[at]! | (data[at + 1]! << 8))
  return text.replace(/\0+$/, '')
}

/** Image files of the kernel-mode services that the registry has: those of the scenario's drivers among them. */
function* serviceImages(k: Kernel): Generator<string> {
  for (const key of k.registry.key(SERVICES_PATH)?.sortedSubkeys() ?? []) {
    const data = key.value('ImagePath')?.data
    if (!data) continue
    const text = pathOfValue(data)
    const path = /\.sys$/i.test(text) ? pathOfImage(text) : null
    if (path) yield path
  }
}

/** Put a file there, or leave it out and say why it cannot be there. */
function put(tree: FileTree, path: string, bytes: Uint8Array | null): string | null {
  const names = path.split('\\').filter((name) => name !== '')
  if (names.length > DEPTH_MAX) return `has more than ${DEPTH_MAX} names in its path`
  const node = tree.make(path, bytes === null)
  if (!node) return tree.isFull ? 'is one too many for the volume' : 'lies below a file'
  if (!bytes) return node.isFolder ? null : 'is a file already'
  if (node.isFolder) return 'is a folder already'
  const isWritten = tree.write(node, 0, bytes) === STATUS_SUCCESS
  return isWritten ? null : `makes the files larger than the volume, which has ${BYTES_MAX} bytes`
}

/** What lies on the volume before a scenario adds to it. */
function fill(tree: FileTree, services: Iterable<string>): void {
  for (const path of FOLDERS) put(tree, path, null)
  for (const { file } of SYSTEM_MODULES) put(tree, pathOfImage(file) ?? file, image())
  for (const { path } of SYSTEM_PROCESSES) put(tree, path, image())
  for (const path of [...IMAGE_FILES, ...services]) put(tree, path, image())
  for (const [path, text] of Object.entries(TEXT_FILES)) put(tree, path, textBytes(text))
  for (const path of SYSTEM_FILES) {
    const node = tree.make(path)
    if (node) node.attributes |= FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM
  }
}

const withoutLetter = (path: string): string => path.replace(/^[A-Za-z]:/, '')

/** The first file of a scenario that cannot be on the volume, and why; null when all can. */
export function misplacedFile(given: GivenFiles): { path: string; why: string } | null {
  const tree = new FileTree(() => 0n)
  fill(tree, [])
  for (const [path, bytes] of given) {
    const why = put(tree, withoutLetter(path), bytes)
    if (why) return { path, why }
  }
  return null
}

/** Mount the volume and fill it. */
export function* mountVolume(k: Kernel, world: World, given: GivenFiles): KernelRoutine<void> {
  const fs = new Ntfs(k, world.modules.get('Ntfs'))
  world.files = fs
  fill(fs.tree, serviceImages(k))
  for (const [path, bytes] of given) put(fs.tree, withoutLetter(path), bytes)
  k.emit({
    t: 'volume.mounted',
    device: VOLUME_DEVICE,
    letter: 'C:',
    files: [...fs.tree.all()].map((node) => ({
      path: node.path,
      size: node.data.length,
      ...(node.isFolder ? { folder: true } : {}),
    })),
  })
  yield* k.fileSystems.register(fs.device)
}
