/** Who sits in the way: minifilters, callouts and filters of the filtering platform, framework queues. */
import { majorName } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { atStep, code, said, type Field, type KindRows } from '../row'

const minifilters: KindRows = {
  count: ({ filtering }) => filtering.minifilters.length,
  rows: (state) =>
    state.filtering.minifilters.map((each) => ({
      id: each.filter,
      title: each.name,
      about: `altitude ${each.altitude}${each.started ? '' : ', not started'}`,
      words: [each.filter, each.name],
      fields: [
        code('Altitude', each.altitude),
        lookUp(state).driver('Driver', each.name),
        said('Filtering', each.started ? 'yes' : 'no'),
        said('Operations', each.operations.map(majorName).join(', ') || 'none'),
        ...each.instances.map(({ instance, volume }) => code('On', `${volume} (${instance})`)),
        ...each.clients.flatMap(({ port, process }) => [
          lookUp(state).process(`Connected to ${port}`, process),
        ]),
        said('Callbacks that ran', each.called),
        said('Operations that it ended', each.ended),
        atStep('Registered at', each.seq),
      ],
    })),
}

const callouts: KindRows = {
  count: ({ filtering }) => filtering.callouts.length,
  rows: (state) =>
    state.filtering.callouts.map(({ callout, id, routine, driver, layer, seq }) => ({
      id: callout,
      title: routine ?? callout,
      about: routine === null ? 'no driver behind it' : (layer ?? 'not added'),
      words: [callout],
      fields: [
        code('Key', callout),
        ...(id === null ? [] : [code('Id', String(id))]),
        said('Layer', layer ?? 'none'),
        ...(routine === null
          ? [said('Routine', 'none: its filters block')]
          : [lookUp(state).routine('Routine', routine)]),
        ...(driver === null ? [] : [lookUp(state).driver('Registered by', driver)]),
        atStep('Since', seq),
      ],
    })),
}

const sublayers: KindRows = {
  count: ({ filtering }) => filtering.sublayers.length,
  rows: ({ filtering }) =>
    filtering.sublayers.map(({ sublayer, weight, seq }) => ({
      id: sublayer,
      title: sublayer,
      about: `weight ${weight}`,
      words: [sublayer],
      fields: [
        said('Weight', weight),
        ...filtering.filters
          .filter((filter) => filter.sublayer === sublayer)
          .map(({ filter }) => code('Filter', filter, { kind: 'filters', id: filter })),
        atStep('Added at', seq),
      ],
    })),
}

/** `BLOCK` of `FWP_ACTION_BLOCK`. */
const actionWords = (action: string): string => action.replace(/^FWP_ACTION_/, '')

const filters: KindRows = {
  count: ({ filtering }) => filtering.filters.length,
  rows: ({ filtering }) =>
    filtering.filters.map((each) => {
      const leads = (name: string, id: string, kind: 'callouts' | 'sublayers'): Field => {
        const list: { callout?: string; sublayer?: string }[] = filtering[kind]
        const isThere = list.some(({ callout, sublayer }) => (callout ?? sublayer) === id)
        return code(name, id, isThere ? { kind, id } : null)
      }
      return {
        id: each.filter,
        title: `${each.layer}: ${actionWords(each.action)}`,
        about: each.conditions.join(' and ') || 'every connection',
        words: [each.filter],
        fields: [
          code('Id', each.filter),
          said('Layer', each.layer),
          leads('Sublayer', each.sublayer, 'sublayers'),
          said('Weight', each.weight),
          code('Action', each.action),
          ...(each.callout === null ? [] : [leads('Callout', each.callout, 'callouts')]),
          ...each.conditions.map((condition) => code('Condition', condition)),
          ...(each.last === null
            ? []
            : [
                code('Said last', `${actionWords(each.last.action)} to ${each.last.remote}`),
                atStep('Said at', each.last.seq),
              ]),
          atStep('Added at', each.seq),
        ],
      }
    }),
}

const queues: KindRows = {
  count: ({ filtering }) => filtering.queues.length,
  rows: (state) =>
    state.filtering.queues.map((each) => {
      const packets = (name: string, irps: readonly number[]): Field[] =>
        irps.map((irp) => said(name, `IRP ${irp}`, { kind: 'irps', id: String(irp) }))
      const how = each.purged ? 'purged' : each.dispatch
      return {
        id: each.queue,
        title: `${each.isDefault ? 'Default queue' : 'Queue'} ${each.queue}`,
        about: `${how}, ${each.waiting.length} waiting, ${each.presented.length} with the driver`,
        words: [each.queue],
        fields: [
          lookUp(state).device('Device', each.device),
          ...(each.driver === null ? [] : [lookUp(state).driver('Driver', each.driver)]),
          said('Hands out', each.dispatch),
          said('Takes requests', each.purged ? 'no' : 'yes'),
          ...packets('Waits', each.waiting),
          ...packets('With the driver', each.presented),
          atStep('Made at', each.seq),
        ],
      }
    }),
}

export const filteringKinds = { minifilters, callouts, sublayers, filters, queues }
