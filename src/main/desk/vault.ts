/** The quarantine at the desk: set it up, open it, give a copy out, forget copies. */
import { join } from 'node:path'
import type { z } from 'zod'
import type { QuarantineInfo, filesContract } from '../../shared/contract/files'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { FileShelf } from '../catalogue/files/shelf'
import type { QuarantineAccess } from '../intake/messages'
import { forget, infectedZip, openQuarantine, sweepStrays } from '../intake/quarantine'
import { QuarantineKey, type OsKeyStore } from '../intake/quarantine-key'
import type { Asking } from './asking'
import { writeBytes } from './write-text'

type Call =
  | 'quarantine.info'
  | 'quarantine.setUp'
  | 'quarantine.unlock'
  | 'quarantine.forget'
  | 'quarantine.export'

export interface Vault {
  handlers: Pick<Handlers<typeof filesContract>, Call>
  /** Null while it is locked or was never set up. */
  access(): QuarantineAccess | null
  /** Remove what a crash left half-written (a day ago, by `now`), and copies of files that are gone. */
  sweep(now: Date): Promise<void>
}

export async function openVault(options: {
  folder: string
  osKeyStore: OsKeyStore
  shelf: FileShelf
  ask: Pick<Asking, 'save'>
  onChanged(reason: string): void
}): Promise<Vault> {
  const { folder, osKeyStore, shelf, ask, onChanged } = options
  const key = await QuarantineKey.open({ folder, osKeyStore })
  const info = (): z.input<typeof QuarantineInfo> => ({ ...key.info, ...shelf.quarantine.totals() })
  const answer = (done: Result<void>): Result<z.input<typeof QuarantineInfo>> =>
    done.ok ? ok(info()) : done
  const access = (): QuarantineAccess | null =>
    key.masterKey ? { folder, masterKey: key.masterKey } : null

  return {
    access,
    async sweep(now) {
      await sweepStrays(folder, now)
      // Dropped after they are gone, so that a crash in between leaves none behind.
      const orphans = shelf.quarantine.orphans()
      await forget(folder, orphans)
      shelf.quarantine.drop(orphans)
    },
    handlers: {
      'quarantine.info': () => ok(info()),
      'quarantine.setUp': async ({ key: guard, passphrase }) =>
        answer(await key.setUp(guard, passphrase)),
      'quarantine.unlock': async ({ passphrase }) => answer(await key.unlock(passphrase)),
      'quarantine.forget': async ({ ids }) => {
        const forgotten = await forget(folder, shelf.quarantine.forget(ids))
        onChanged('copies forgotten')
        return ok({ forgotten })
      },
      'quarantine.export': async ({ id }) => {
        const found = shelf.get(id)
        if (!found.ok) return found
        const { name, sha256 } = found.value.row
        const open = access()
        if (!open || sha256 === null || !found.value.quarantined)
          return open
            ? fail(
                'not-found',
                `No copy of ${name} was kept.`,
                'Import the file again with “keep the bytes”.',
              )
            : fail('bad-request', info().locked ?? 'There is no quarantine yet.', 'Open it first.')
        const fileName = name.split(/[\\/]/).at(-1) ?? name
        const path = await ask.save({
          title: 'Copy from the quarantine (zip, password “infected”)',
          name: fileName,
          ending: 'zip',
        })
        if (path === null) return ok({ path })
        const bytes = await openQuarantine(open.folder, open.masterKey).read(sha256)
        if (!bytes.ok) return bytes
        const written = await writeBytes(path, await infectedZip(fileName, bytes.value))
        return written.ok ? ok({ path }) : written
      },
    },
  }
}

/** Where the encrypted copies lie. */
export const quarantineFolder = (userData: string): string => join(userData, 'quarantine')
