/** The security monitor's part, and who asked to be told: tokens, decisions about rights, callbacks. */
import { isSuccess, statusName } from '../../../../../shared/trace/words'
import type { ObjectType } from '../../../../../shared/trace/event'
import { lookUp } from '../look-up'
import { rightsWords } from '../rights'
import { atStep, code, said, type KindRows } from '../row'

const tokens: KindRows = {
  count: (state) => state.processes.filter(({ user }) => user !== null).length,
  rows: (state) =>
    state.processes
      .filter(({ user }) => user !== null)
      .map(({ id, name, user, integrity, admin }) => ({
        id: String(id),
        title: user!,
        about: `${name}, ${integrity ?? 'no integrity level'}`,
        words: [name],
        fields: [
          said('User', user!),
          said('Integrity level', integrity ?? 'none'),
          said('Administrator', admin ? 'yes' : 'no'),
          ...state.executive.privileges
            .filter(({ process }) => process === id)
            .map(({ enabled }) => said('Privileges enabled', enabled.join(', '))),
          lookUp(state).process('Process', id),
        ],
      })),
}

/** A device is opened as a file, with the rights of one. */
const asOpened = (type: ObjectType): ObjectType => (type === 'Device' ? 'File' : type)

const access: KindRows = {
  count: ({ executive }) => executive.access.length,
  rows: (state) =>
    state.executive.access.map(({ seq, object, by, wanted, granted, status }) => {
      const look = lookUp(state)
      const known = look.objects.get(object) ?? look.objectsByName.get(object)
      const rights = (mask: string): string =>
        rightsWords(mask, known ? asOpened(known.type) : null)
      return {
        id: String(seq),
        title: known?.name ?? object,
        about:
          status === null ? 'rights taken away' : isSuccess(status) ? `granted to ${by}` : 'denied',
        words: [object],
        fields: [
          look.object('Object', object),
          status === null ? look.routine('Taken away by', by) : said('Asked by', by),
          code(status === null ? 'Rights before' : 'Asked for', rights(wanted)),
          code(status === null ? 'Rights after' : 'Granted', rights(granted)),
          ...(status === null ? [] : [code('Status', statusName(status))]),
          atStep('Decided at', seq),
        ],
      }
    }),
}

const callbacks: KindRows = {
  count: ({ executive }) => executive.callbacks.length,
  rows: (state) =>
    state.executive.callbacks.map(({ id, kind, routine, altitude, about, driver, seq }) => {
      const look = lookUp(state)
      return {
        id: String(id),
        title: routine,
        about: altitude === null ? kind : `${kind}, altitude ${altitude}`,
        words: [routine],
        fields: [
          said('Told of', kind),
          ...(about === null ? [] : [said('About', about)]),
          ...(altitude === null ? [] : [code('Altitude', altitude)]),
          look.routine('Routine', routine),
          ...(driver === null ? [] : [look.driver('Registered by', driver)]),
          atStep('Registered at', seq),
        ],
      }
    }),
}

export const securityKinds = { tokens, access, callbacks }
