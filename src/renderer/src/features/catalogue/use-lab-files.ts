/** Lab files from anywhere in the window: the menu, the palette, a key. */
import { useCommands } from '../../commands/registry'
import { useCatalogue } from './store'

/** To be called by the window's root: importing and exporting work on every screen. */
export function useLabFileCommands(): void {
  const catalogue = useCatalogue()
  useCommands({
    'labfile.import': () => void catalogue.importLab(),
    'labfile.export': () => void catalogue.exportLab([]),
    'catalogue.restoreBundled': () => void catalogue.restoreBundled(),
  })
}
