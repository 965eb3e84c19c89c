import { watchDebounced } from '@vueuse/core'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { Diagnostic } from '../../../shared/contract/model'
import { asDiagnostic } from '../../../shared/lessons/rule-mistakes'
import { plural } from '../../../shared/trace/words'
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
    async ({ files }) => {
      const { diagnostics } = await value(ring()['lab.check']({ files }))
      return { files, diagnostics: [...diagnostics, ...(await mistakesOfRules(files))] }
    },
    (a, b) => a.files === b.files,
  )

  async function mistakesOfRules(files: typeof project.files): Promise<Diagnostic[]> {
    const rules = project.rules.map((file) => ({ file, text: files[file] ?? '' }))
    if (rules.length === 0) return []
    return (await value(ring()['rules.read']({ files: rules }))).mistakes.map(asDiagnostic)
  }

  const list = computed<Diagnostic[]>(() => {
    const found = checked.value.value?.diagnostics ?? []
    // In a lesson the trace tells what is wrong; advice in the margin would tell it first.
    return project.origin === 'lesson' ? found.filter((item) => item.severity === 'error') : found
  })
  /** Whether places in the list are still those of the text: a fix may be applied. */
  const isCurrent = (file: string): boolean =>
    checked.value.value?.files[file] === project.files[file]
  const errors = computed(() => list.value.filter((item) => item.severity === 'error').length)
  const warnings = computed(() => list.value.length - errors.value)
  const words = computed(
    () =>
      [
        errors.value > 0 ? plural(errors.value, 'error') : '',
        warnings.value > 0 ? plural(warnings.value, 'warning') : '',
      ]
        .filter(Boolean)
        .join(', ') || 'no problems',
  )
  return {
    words,
    list,
    errors,
    warnings,
    isCurrent,
    error: checked.error,
    pending: checked.pending,
  }
})
