/** Rules about the image of a driver, which its file has to keep before any of its code runs. */
import type { Image } from '../../loader/image'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import { atRoutine } from './note'

/** An image was mapped and DriverEntry is about to be called. Headers of sections are not in memory. */
export function imageMapped(k: Kernel, image: Image, entry: Ptr): void {
  if (!image.hasWritableCode) return
  const what = `${image.name}.sys has a section .text that can be written as well as executed.`
  const parameters = [0x2003, k.memory.address(image.base), 0, 0]
  atRoutine(k, entry, () => k.verifier.check('VR-MM-SIZE-SECTION-WX', true, parameters, what))
}
