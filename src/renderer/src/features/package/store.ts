/**
 * The package of the folder in the Lab: built anew whenever the folder changes while it is looked at.
 * The form and the INF are files of the folder, so drafts, undo and samples know them.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { z } from 'zod'
import type { labContract } from '../../../../shared/contract/lab'
import type { AppError } from '../../../../shared/errors'
import type { Evidence } from '../../../../shared/driver-file/facts'
import { SigningPlan, type SigningChoice } from '../../../../shared/package/signing'
import { asAppError, ring, value } from '../../services/ring'
import { useProject } from '../../stores/project'
import { useUi } from '../../stores/ui'
import { useFileShelf } from '../files/store'
import { useShelfChoice } from '../files/shelf-choice'

export type Described = z.output<(typeof labContract)['lab.package']['output']>

/** A package is built when typing pauses this long, in ms. */
const PAUSE_MS = 250
/** How long an import of four files may take before nobody waits for it, in ms. */
const IMPORT_PATIENCE_MS = 30_000

export const usePackage = defineStore('package', () => {
  const project = useProject()
  const ui = useUi()
  const described = shallowRef<Described | null>(null)
  const error = shallowRef<AppError | null>(null)
  const isBuilding = ref(false)
  /** Service name of the driver that is shown; null for the first. */
  const driver = ref<string | null>(null)
  const isOpen = ref(false)
  const isImporting = ref(false)

  let asked = 0
  let pause: ReturnType<typeof setTimeout> | undefined

  async function build(): Promise<void> {
    const token = ++asked
    isBuilding.value = true
    try {
      const answer = await value(
        ring()['lab.package']({ files: project.files, driver: driver.value }),
      )
      if (token !== asked) return
      described.value = answer
      error.value = null
    } catch (thrown) {
      if (token === asked) error.value = asAppError(thrown)
    } finally {
      if (token === asked) isBuilding.value = false
    }
  }

  function buildSoon(): void {
    if (!isOpen.value) return
    clearTimeout(pause)
    pause = setTimeout(() => void build(), PAUSE_MS)
  }

  watch(() => project.files, buildSoon)
  watch(
    () => project.opened,
    () => {
      driver.value = null
      described.value = null
    },
  )
  watch(driver, () => isOpen.value && void build())
  watch(isOpen, (open) => {
    clearTimeout(pause)
    if (open) void build()
  })

  /** Evidence of embedded signature and catalogue alike, each once. */
  const evidence = computed<Evidence[]>(() => {
    const byText = new Map(
      (described.value?.report.evidence ?? []).map((item) => [item.text, item]),
    )
    return [...byText.values()]
  })

  /** Why the form cannot be changed; null when it can. */
  const locked = computed(() => {
    if (project.origin === 'lesson') return 'A lesson keeps its files.'
    return described.value?.isInline
      ? 'scenario.json says how this driver is signed. Take "signature" out there to say it here.'
      : null
  })

  /** Write how it is signed; what is as by default is left out. */
  function sign(choice: SigningChoice): void {
    const file = described.value?.files.signing
    if (file === undefined || locked.value !== null) return
    project.setText(file, `${JSON.stringify(withoutDefaults(choice), null, 2)}\n`)
  }

  const ownInf = computed(() => {
    const file = described.value?.files.inf
    return file !== undefined && file in project.files
  })

  function setInf(text: string): void {
    const file = described.value?.files.inf
    if (file === undefined || locked.value === 'A lesson keeps its files.') return
    project.setText(file, text)
  }
  /** Back to the INF that the driver gets by itself. */
  function dropInf(): void {
    const file = described.value?.files.inf
    if (file !== undefined) project.deleteFile(file)
  }

  async function saveFiles(): Promise<void> {
    try {
      const { folder } = await value(
        ring()['package.save']({ files: project.files, driver: driver.value }),
      )
      if (folder !== null)
        ui.notify({ kind: 'info', text: `The package was written to ${folder}.` })
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  /** Bring the image onto the shelf of driver files, and open its page there. */
  async function openInCatalogue(): Promise<void> {
    const image = described.value?.report.parts.find(({ kind }) => kind === 'image')
    if (!image || isImporting.value) return
    isImporting.value = true
    try {
      const request = { files: project.files, driver: driver.value }
      const { job } = await value(ring()['package.import'](request))
      if (job !== null) await imported(job)
      const query = `sha256:${image.sha256}`
      const { rows } = await value(ring()['files.list']({ query, limit: 1 }))
      const [row] = rows
      useShelfChoice().choose('files')
      ui.area = 'catalogue'
      if (row) useFileShelf().show({ kind: 'file', id: row.id })
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    } finally {
      isImporting.value = false
    }
  }

  return {
    described,
    error,
    isBuilding,
    driver,
    isOpen,
    isImporting,
    evidence,
    locked,
    ownInf,
    sign,
    setInf,
    dropInf,
    saveFiles,
    openInCatalogue,
  }
})

/** Settled when an import has ended, one way or the other. */
function imported(job: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      stop()
      clearTimeout(patience)
      resolve()
    }
    const patience = setTimeout(finish, IMPORT_PATIENCE_MS)
    const stop = ring().on('intake.progress', (progress) => {
      if (progress.id === job && progress.state !== 'running') finish()
    })
    // It may have ended before anybody listened.
    const jobs = ring()['intake.jobs']({})
    void jobs.then((answer) => {
      const known = answer.ok ? answer.value.jobs.find(({ id }) => id === job) : undefined
      if (answer.ok && known?.state !== 'running') finish()
    })
  })
}

function withoutDefaults(choice: SigningChoice): SigningChoice {
  const usual = SigningPlan.parse({}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(choice).filter(
      ([key, chosen]) => key === 'by' || JSON.stringify(chosen) !== JSON.stringify(usual[key]),
    ),
  )
}
