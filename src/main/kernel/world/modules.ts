/** The modules of the system: mapped, on PsLoadedModuleList, with names that Windows has for them. */
import { SERVICES_PATH } from '../cm/registry'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import { SYSTEM_MODULES } from './module-table'

/**
 * Map them all but those whose place a driver of the scenario takes.
 * @returns the images by name, in which built-in drivers have their routines
 */
export function loadModules(k: Kernel): Map<string, Image> {
  const images = new Map<string, Image>()
  for (const { name, file } of SYSTEM_MODULES) {
    if (k.registry.key(`${SERVICES_PATH}\\${name}`)) continue
    const image = k.images.mapModule(name)
    k.loader.modules.add(image, file, true)
    images.set(name, image)
    const base = k.memory.format(image.base)
    k.emit({ t: 'module.loaded', name, base, size: image.size, path: file })
  }
  return images
}
