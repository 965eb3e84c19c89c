import { watchDebounced } from '@vueuse/core'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { Diagnostic } from '../../../shared/contract/model'
import { useLatest } from '../composables/use-latest'
import { ring, value } from '../services/ring'
import { useProject } from './project'

/** What the compiler says about the sources as they are edited. */
export const useProblems = defineStore('problems', () => {
  const project = useProject()
  const asked = shallowRef<{ files: typeof project.files } | null>(null)

  watchDebounced(
    () => project.files,
    (files) => {
      asked.value = Object.keys(files).length > 0 ? { files } : null
    },
    { debounce: 300, maxWait: 1500, immediate: true },
  )

  const checked = useLatest(
    () => asked.value,
    async ({ files }) => (await value(ring()['lab.check']({ files }))).diagnostics,
    (a, b) => a.files === b.files,
  )

  const list = computed<Diagnostic[]>(() => checked.value.value ?? [])
  const errors = computed(() => list.value.filter((item) => item.severity === 'error').length)
  const warnings = computed(() => list.value.length - errors.value)
  return { list, errors, warnings, error: checked.error, pending: checked.pending }
})
