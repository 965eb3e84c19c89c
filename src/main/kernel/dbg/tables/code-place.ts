/** What lies at an address: the module, and the function in it. */
import { hex, pointer } from '../../../../shared/nt/format'
import type { Kernel } from '../../kernel'
import { REGIONS } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import type { Image } from '../../loader/image'
import type { Reader } from './reader'

export interface CodePlace {
  address: string
  /** `toy!Dispatch`, `toy+0x1040`, or null where no image is. */
  symbol: string | null
  /** Name of the image; `nt` for the kernel. */
  module: string | null
}

/** Images of the machine that are mapped now, in the order in which they were. */
export function* imagesOf(k: Kernel): Generator<Image> {
  for (let number = 0; ; number++) {
    const image = k.images.byNumber(number)
    if (!image) return
    if (!image.unloaded) yield image
  }
}

/** The image that a place lies in; undefined for one that is not mapped any more. */
export function imageAt(k: Kernel, at: Ptr): Image | undefined {
  const image = at === 0 ? undefined : k.images.at(at)
  return image && !image.unloaded && at < Math.max(image.nextData, image.base + image.size)
    ? image
    : undefined
}

/** Name what an address leads to. */
export function codePlace(k: Kernel, reader: Reader, address: bigint): CodePlace {
  const at = reader.placeOf(address)
  const image = imageAt(k, at)
  if (!image) return { address: pointer(address), symbol: null, module: null }
  const entry = k.images.function(at)
  const inside = entry ? `!${entry.name}` : `+${hex(at - image.base)}`
  return { address: pointer(address), symbol: image.name + inside, module: image.name }
}

/** Whether an image is one of the system's own: the kernel, or a module loaded with it. */
export function isSystemImage(image: Image): boolean {
  const { start, bytes } = REGIONS.ntImage
  return image.base >= start && image.base < start + bytes
}
