/** Where the bytes of driver files are kept, and whether they can be. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { Result } from '../../../../shared/errors'
import { asAppError, ring, value } from '../../services/ring'
import { useUi } from '../../stores/ui'
import type { Answer, Input } from './types'

export type QuarantineInfo = Answer<'quarantine.info'>
export type KeyPlace = Input<'quarantine.setUp'>['key']

export const useQuarantine = defineStore('quarantine', () => {
  const ui = useUi()
  const info = shallowRef<QuarantineInfo | null>(null)
  /** There is a key and it is at hand. */
  const isOpen = computed(
    () => info.value !== null && info.value.key !== 'none' && info.value.locked === null,
  )

  async function take(answer: Promise<Result<QuarantineInfo>>): Promise<boolean> {
    try {
      info.value = await value(answer)
      return true
    } catch (thrown) {
      ui.fail(asAppError(thrown))
      return false
    }
  }

  return {
    info,
    isOpen,
    load: () => take(ring()['quarantine.info']({})),
    setUp: (key: KeyPlace, passphrase?: string) =>
      take(
        ring()['quarantine.setUp']({ key, ...(passphrase === undefined ? {} : { passphrase }) }),
      ),
    unlock: (passphrase: string) => take(ring()['quarantine.unlock']({ passphrase })),
  }
})
