/**
 * The user's YARA rules at the desk. Reading them takes the helper process, so what came of it is
 * remembered until a file of rules changes.
 */
import type { filesContract } from '../../shared/contract/files'
import type { Handlers } from '../../shared/contract/table'
import { ok } from '../../shared/errors'
import type { IntakeController } from '../intake/controller'
import type { YaraCheck } from '../intake/helper-calls'
import { stampOfRules } from '../intake/yara'
import type { Asking } from './asking'

type Call = 'yara.info' | 'yara.chooseFolder' | 'yara.forget'

export function createYaraHandlers(options: {
  intake: Pick<IntakeController, 'setYaraFolder'>
  ask: Pick<Asking, 'open'>
  yaraFolder: { get(): string | null; set(folder: string | null): void }
}): Pick<Handlers<typeof filesContract>, Call> {
  const { intake, ask, yaraFolder } = options
  let last: { folder: string; stamp: string; check: Promise<YaraCheck> } | null = null

  /** What the rules of a folder are worth; the next import uses them as they are now. */
  async function checked(folder: string): Promise<YaraCheck> {
    const stamp = await stampOfRules(folder)
    if (last?.folder === folder && last.stamp === stamp) return last.check
    const mine = { folder, stamp, check: intake.setYaraFolder(folder) }
    last = mine
    const check = await mine.check
    if (!check.isComplete && last === mine) last = null
    return check
  }

  return {
    'yara.info': async () => {
      const folder = yaraFolder.get()
      const { rules, problems } = folder === null ? NO_RULES : await checked(folder)
      return ok({ folder, rules, problems })
    },
    'yara.chooseFolder': async () => {
      const [folder] = await ask.open({ title: 'Folder of YARA rules', what: 'folder' })
      if (folder !== undefined) {
        yaraFolder.set(folder)
        await checked(folder)
      }
      return ok({ folder: yaraFolder.get() })
    },
    'yara.forget': async () => {
      last = null
      yaraFolder.set(null)
      await intake.setYaraFolder(null)
      return ok({})
    },
  }
}

const NO_RULES = { rules: 0, problems: [] }
