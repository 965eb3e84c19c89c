/** Taking driver files in, from anywhere in the window: the menu, the palette, a key, a drop. */
import { useCommands } from '../../commands/registry'
import { useUi } from '../../stores/ui'
import { useIntake } from './intake'
import { useShelfChoice, type Shelf } from './shelf-choice'

/** Names of what can hold a driver: an image, its package, an archive. */
const DRIVER_FILE = /\.(?:sys|exe|dll|inf|cat|zip)$/i

/** To be called by the window's root. */
export function useFileCommands(): { isDriverFile: (name: string) => boolean; takeIn: TakeIn } {
  const ui = useUi()
  const intake = useIntake()
  const choice = useShelfChoice()

  function go(shelf: Shelf): void {
    choice.choose(shelf)
    ui.area = 'catalogue'
  }

  useCommands({
    'shelf.files': () => go('files'),
    'shelf.toys': () => go('toys'),
    'file.import': () => {
      go('files')
      void intake.choose('files')
    },
    'file.importFolder': () => {
      go('files')
      void intake.choose('folder')
    },
    'file.knownData': () => {
      go('files')
      ui.dialog = 'reference'
    },
  })

  return {
    isDriverFile: (name) => DRIVER_FILE.test(name),
    takeIn(files) {
      go('files')
      void intake.drop(files)
    },
  }
}

type TakeIn = (files: readonly File[]) => void
