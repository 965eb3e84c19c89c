/** A catalogue in memory with the contract's face, for tests of the screen. */
import type { RunRow, Sample } from '../../../../../shared/contract/catalogue'
import type { RingClient } from '../../../../../shared/contract'
import { fail, ok, type AppError, type Result } from '../../../../../shared/errors'
import { parseQuery } from '../../../../../shared/query'

export interface FakeCatalogue {
  client: RingClient
  samples: Map<number, Sample>
  runs: RunRow[]
  calls: { name: string; input: unknown }[]
  /** Answer this call with an error until it is set to null. */
  failing: Map<string, AppError>
  emit(name: string, value: unknown): void
}

const TIME = '2026-11-01T12:00:00.000Z'

export const sampleOf = (id: number, title: string, over: Partial<Sample> = {}): Sample => ({
  id,
  slug: `sample-${id}`,
  title,
  summary: `What ${title} does`,
  status: 'working',
  origin: 'user',
  tags: [],
  updatedAt: TIME,
  createdAt: TIME,
  runs: 0,
  lastOutcome: null,
  snippet: null,
  notes: '',
  files: { 'driver.ts': 'x' },
  ...over,
})

export function fakeCatalogue(initial: readonly Sample[]): FakeCatalogue {
  const samples = new Map(initial.map((sample) => [sample.id, sample]))
  const deleted = new Map<string, Sample[]>()
  const listeners = new Map<string, Set<(value: unknown) => void>>()
  const calls: FakeCatalogue['calls'] = []
  const failing: FakeCatalogue['failing'] = new Map()
  const runs: RunRow[] = []
  const emit = (name: string, value: unknown): void => {
    for (const listener of listeners.get(name) ?? []) listener(value)
  }
  const changed = <T>(value: T): Result<T> => {
    emit('samples.changed', { reason: 'test' })
    return ok(value)
  }
  const count = <K extends string>(field: K, values: string[]): Record<K | 'count', never>[] =>
    [...new Set(values)].map(
      (value) =>
        ({ [field]: value, count: values.filter((other) => other === value).length }) as never,
    )

  const handlers: Record<string, (input: never) => unknown> = {
    'samples.list': ({
      query = '',
      limit = 200,
      offset = 0,
    }: {
      query?: string
      limit?: number
      offset?: number
    }) => {
      const { terms, problems } = parseQuery(query)
      const found = [...samples.values()].filter((sample) =>
        terms.every(({ field, value, negated }) => {
          const text = `${sample.title} ${sample.summary} ${sample.notes}`.toLowerCase()
          const hit =
            field === 'tag'
              ? sample.tags.includes(value)
              : field === 'status'
                ? sample.status === value
                : text.includes(value.toLowerCase())
          return hit !== negated
        }),
      )
      return ok({
        total: found.length,
        all: samples.size,
        samples: found.slice(offset, offset + limit),
        tags: count(
          'tag',
          found.flatMap((sample) => sample.tags),
        ),
        statuses: count(
          'status',
          [...samples.values()].map((sample) => sample.status),
        ),
        outcomes: [],
        problem: problems.join(' ') || null,
      })
    },
    'samples.get': ({ id }: { id: number }) => {
      const sample = samples.get(id)
      return sample ? ok(sample) : fail('not-found', `There is no sample ${id}.`, 'Look again.')
    },
    'samples.update': (input: Partial<Sample> & { id: number }) => {
      const next = { ...samples.get(input.id)!, ...input }
      samples.set(input.id, next)
      return changed(next)
    },
    'samples.duplicate': ({ id }: { id: number }) => {
      const copy = {
        ...samples.get(id)!,
        id: Math.max(...samples.keys()) + 1,
        origin: 'user' as const,
      }
      copy.title += ' (copy)'
      samples.set(copy.id, copy)
      return changed(copy)
    },
    'samples.delete': ({ ids }: { ids: number[] }) => {
      const undo = `undo-${deleted.size}`
      deleted.set(
        undo,
        ids.map((id) => samples.get(id)!),
      )
      for (const id of ids) samples.delete(id)
      return changed({ undo })
    },
    'samples.undoDelete': ({ undo }: { undo: string }) => {
      const back = deleted.get(undo) ?? []
      for (const sample of back) samples.set(sample.id, sample)
      deleted.delete(undo)
      return changed({ restored: back.length })
    },
    'samples.deleted': () =>
      ok({
        deletions: [...deleted].map(([undo, gone]) => ({
          undo,
          deletedAt: TIME,
          titles: gone.map((sample) => sample.title),
        })),
      }),
    'samples.tag': ({
      ids,
      add = [],
      remove = [],
    }: {
      ids: number[]
      add?: string[]
      remove?: string[]
    }) => {
      for (const id of ids) {
        const sample = samples.get(id)!
        const tags = sample.tags.filter((tag) => !remove.includes(tag))
        samples.set(id, { ...sample, tags: [...new Set([...tags, ...add])] })
      }
      return changed({ changed: ids.length })
    },
    'samples.restoreBundled': () => changed({ restored: 0 }),
    'samples.versions': () => ok({ versions: [] }),
    'runs.list': () => ok({ runs }),
    'runs.delete': () => changed({ deleted: 1 }),
    'labfile.export': () => ok({ path: '/tmp/x.ring0lab', samples: samples.size }),
    'labfile.import': () => ok({ path: '/tmp/x.ring0lab', added: 2, merged: 1, skipped: ['one'] }),
  }

  const client: Record<string, unknown> = {
    on(name: string, listener: (value: unknown) => void) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener))
      return () => set.delete(listener)
    },
  }
  for (const [name, handler] of Object.entries(handlers))
    client[name] = (input: never) => {
      calls.push({ name, input })
      const error = failing.get(name)
      return Promise.resolve(error ? { ok: false, error } : structuredClone(handler(input)))
    }
  return { client: client as unknown as RingClient, samples, runs, calls, failing, emit }
}
