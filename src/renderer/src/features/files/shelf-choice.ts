/** Which of the Catalogue's two shelves is shown; remembered. */
import { defineStore } from 'pinia'
import { computed } from 'vue'
import { useSettings } from '../../stores/settings'

export type Shelf = 'files' | 'toys'

const SETTING = 'catalogue.shelf'

export const useShelfChoice = defineStore('shelf-choice', () => {
  const settings = useSettings()
  return {
    shelf: computed<Shelf>(() => (settings.values[SETTING] === 'toys' ? 'toys' : 'files')),
    choose: (shelf: Shelf) => settings.save(SETTING, shelf),
  }
})
