import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { rulesContract } from '../../shared/contract/detections'
import { labContract } from '../../shared/contract/lab'
import { fail, ok } from '../../shared/errors'
import { bindLabHost } from './lab-binding'
import { createLabClient, whyItEnded, type HostProcess, type LabClient } from './lab-client'
import type { FromHost, LabHost, LabProgress } from './lab-messages'

/** A host in memory whose runs end when the test says so. */
class FakeHost {
  readonly running = new Map<string, (stopped: boolean) => void>()
  isDeaf = false
  events = 100

  create = (options: { onProgress(progress: LabProgress): void }): LabHost => {
    const names = Object.entries({ ...labContract, ...rulesContract }).filter(
      ([, row]) => row.kind === 'call',
    )
    const unused = Object.fromEntries(
      names.map(([name]) => [name, () => fail('internal', `${name} is not faked`, '')]),
    ) as unknown as LabHost
    return {
      ...unused,
      'lab.types': () => ok({ files: { 'wdm.d.ts': 'declare' } }),
      'lab.ddi': () => {
        throw new Error('a fault of ours')
      },
      'lab.run': ({ runId }) =>
        new Promise((resolve) => {
          options.onProgress({ runId, phase: 'running', events: 1 })
          this.running.set(runId, () => {
            options.onProgress({ runId, phase: 'finished', events: this.events })
            resolve(fail('stopped', 'Stopped.', ''))
          })
        }),
      'lab.check': () => (this.isDeaf ? new Promise(() => undefined) : ok({ diagnostics: [] })),
      'lab.stop': ({ runId }) => {
        if (this.isDeaf) return new Promise(() => undefined)
        this.running.get(runId)?.(true)
        return ok({ stopped: true })
      },
    }
  }
}

/** A process border in memory: messages are cloned and arrive later, as between processes. */
class FakeProcess implements HostProcess {
  private readonly messageListeners: ((message: FromHost) => void)[] = []
  private exitListener: ((reason: string) => void) | null = null
  private readonly take: ReturnType<typeof bindLabHost>
  isAlive = true
  memory: number | null = 1000

  constructor(readonly host: FakeHost) {
    this.take = bindLabHost(host.create, (message) =>
      setTimeout(() => {
        if (this.isAlive)
          for (const listener of this.messageListeners) listener(structuredClone(message))
      }),
    )
  }
  post(message: Parameters<HostProcess['post']>[0]): void {
    const copy = structuredClone(message)
    setTimeout(() => this.isAlive && void this.take(copy))
  }
  kill(): void {
    this.die('killed')
  }
  die(reason: string): void {
    if (!this.isAlive) return
    this.isAlive = false
    setTimeout(() => this.exitListener?.(reason))
  }
  onMessage(listener: (message: FromHost) => void): void {
    this.messageListeners.push(listener)
  }
  onExit(listener: (reason: string) => void): void {
    this.exitListener = listener
  }
  memoryBytes(): number | null {
    return this.memory
  }
}

let processes: FakeProcess[]
let progress: LabProgress[]
let lost: string[]
let client: LabClient

beforeEach(() => {
  vi.useFakeTimers()
  processes = []
  progress = []
  lost = []
  client = createLabClient({
    start: () => {
      const fresh = new FakeProcess(new FakeHost())
      processes.push(fresh)
      return fresh
    },
    onProgress: (value) => void progress.push(value),
    onLost: ({ reason }) => void lost.push(reason),
    memoryBytesMax: 5000,
    idleMs: 60_000,
  })
})
afterEach(() => {
  client.close()
  vi.useRealTimers()
})

const run = (runId: string) =>
  client.handlers['lab.run']({ runId, files: {}, seed: 1, verifier: [], trace: 'full' })
const settle = (ms = 10): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
/** Long enough after its start that a death is not a quick one. */
const later = (): Promise<unknown> => settle(10_000)

describe('the lab client', () => {
  test('passes calls and answers, by id, and progress in between', async () => {
    const first = run('a')
    const types = client.handlers['lab.types']({})
    await settle()
    expect(await types).toEqual(ok({ files: { 'wdm.d.ts': 'declare' } }))
    expect(progress).toEqual([{ runId: 'a', phase: 'running', events: 1 }])
    const stopped = client.handlers['lab.stop']({ runId: 'a' })
    await settle()
    expect(await stopped).toEqual(ok({ stopped: true }))
    expect(await first).toMatchObject({ ok: false, error: { code: 'stopped' } })
    expect(processes).toHaveLength(1)
  })

  test('offers every call of the contracts that the helper answers', () => {
    const calls = Object.entries({ ...labContract, ...rulesContract }).filter(
      ([, row]) => row.kind === 'call',
    )
    expect(Object.keys(client.handlers)).toEqual(calls.map(([name]) => name))
  })

  test('a fault in the host is an answer, and the host goes on', async () => {
    const answer = client.handlers['lab.ddi']({})
    await settle()
    expect(await answer).toMatchObject({ ok: false, error: { code: 'internal' } })
    expect(lost).toEqual([])
  })

  test('a dead host answers what is open, says so once, and is replaced', async () => {
    const [first, second] = [run('a'), run('b')]
    await later()
    processes[0]!.die('The lab’s process ended unexpectedly (code 134).')
    await settle()
    for (const open of [first, second])
      expect(await open).toMatchObject({
        ok: false,
        error: { code: 'lab-process-lost', message: expect.stringContaining('134') as string },
      })
    expect(lost).toHaveLength(1)
    expect(processes).toHaveLength(2)
    const types = client.handlers['lab.types']({})
    await settle()
    expect(await types).toMatchObject({ ok: true })
  })

  test('a helper that nobody asks is let go of, and the next call has another', async () => {
    client.warmUp()
    await settle(59_000)
    expect(processes[0]!.isAlive).toBe(true)
    await settle(2000)
    expect(processes[0]!.isAlive).toBe(false)
    const types = client.handlers['lab.types']({})
    await settle()
    expect(await types).toMatchObject({ ok: true })
    expect({ lost, started: processes.length }).toEqual({ lost: [], started: 2 })
    const last = client.handlers['lab.types']({})
    client.rest()
    await settle()
    expect(await last).toMatchObject({ ok: true })
    await settle()
    expect(processes[1]!.isAlive).toBe(false)
  })

  test('while memory is wanted elsewhere a helper goes at once, and soon after each call', async () => {
    client.warmUp()
    await settle()
    client.spare(true)
    await settle()
    expect(processes[0]!.isAlive).toBe(false)
    for (const place of [1, 2]) {
      const types = client.handlers['lab.types']({})
      await settle()
      expect(await types).toMatchObject({ ok: true })
      await settle(2000)
      expect(processes[place]!.isAlive).toBe(true)
      await settle(2000)
      expect(processes[place]!.isAlive).toBe(false)
    }
    void client.handlers['lab.types']({})
    await settle()
    client.spare(false)
    await settle(50_000)
    expect(processes[3]!.isAlive).toBe(true)
    expect(lost).toEqual([])
  })

  test('a helper with runs open is kept longer while memory is wanted elsewhere', async () => {
    const first = run('a')
    await settle()
    client.spare(true)
    processes[0]!.host.running.get('a')?.(true)
    await settle()
    await first
    // Asked to rest while it ran: it does so now, and the next call makes the run again.
    expect(processes[0]!.isAlive).toBe(false)
    void client.handlers['lab.types']({})
    await settle()
    processes[1]!.host.running.get('a')?.(true)
    await settle(4_000)
    expect(processes[1]!.isAlive).toBe(true)
    await settle(3_000)
    expect(processes[1]!.isAlive).toBe(false)
  })

  test('a helper that holds a long run is kept until the run is closed', async () => {
    const first = run('a')
    await settle(1000)
    client.rest()
    processes[0]!.host.events = 1_000_000
    processes[0]!.host.running.get('a')?.(true)
    await settle()
    await first
    client.rest()
    await settle(120_000)
    expect(processes[0]!.isAlive).toBe(true)
    void client.handlers['lab.close']({ runId: 'a' })
    await settle(61_000)
    expect(processes[0]!.isAlive).toBe(false)
    expect(lost).toEqual([])
  })

  test('short runs are made again before the next call is asked, and nobody hears of it', async () => {
    const first = run('a')
    await settle()
    processes[0]!.host.running.get('a')?.(true)
    await settle()
    await first
    client.rest()
    await settle()
    expect(processes[0]!.isAlive).toBe(false)
    let answer: unknown = null
    void Promise.resolve(client.handlers['lab.types']({})).then((result) => (answer = result))
    await settle()
    expect(answer).toBeNull()
    processes[1]!.host.running.get('a')?.(true)
    await settle()
    expect(answer).toMatchObject({ ok: true })
    expect({ lost, progress: progress.length }).toEqual({ lost: [], progress: 2 })
  })

  test('words of a dead host that arrive late belong to nobody', async () => {
    void run('a')
    await later()
    const [old] = processes
    const listener = old!['messageListeners'][0]!
    old!.die('gone')
    await settle()
    progress.length = 0
    listener({ kind: 'progress', value: { runId: 'a', phase: 'running', events: 9 } })
    expect(progress).toEqual([])
  })

  test('a host that takes too much memory is ended, but not one that only rests', async () => {
    client.warmUp()
    processes[0]!.memory = 6000
    await later()
    expect(processes[0]!.isAlive).toBe(true)
    const open = run('a')
    await settle(1000)
    expect(await open).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('memory') as string },
    })
    expect(processes[0]!.isAlive).toBe(false)
    expect(processes).toHaveLength(2)
  })

  test('a stop that is not answered ends the host', async () => {
    const open = run('a')
    await later()
    processes[0]!.host.isDeaf = true
    const stop = client.handlers['lab.stop']({ runId: 'a' })
    await settle(3000)
    expect(processes[0]!.isAlive).toBe(true)
    await settle(2000)
    expect(await stop).toMatchObject({ ok: false, error: { code: 'lab-process-lost' } })
    expect(await open).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('did not answer the stop') as string },
    })
  })

  test('a check that is not answered ends the host, and the next one has another', async () => {
    client.warmUp()
    await later()
    processes[0]!.host.isDeaf = true
    const check = client.handlers['lab.check']({ files: {} })
    await settle(29_000)
    expect(processes[0]!.isAlive).toBe(true)
    await settle(2000)
    expect(await check).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('longer than 30 seconds') as string },
    })
    expect(lost).toHaveLength(1)
    const next = client.handlers['lab.check']({ files: {} })
    await settle()
    expect(await next).toEqual(ok({ diagnostics: [] }))
    await settle(59_000)
    expect({ lost: lost.length, started: processes.length }).toEqual({ lost: 1, started: 2 })
  })

  test('a host that dies at every start is not started for ever', async () => {
    client.warmUp()
    for (let death = 0; death < 5; death++) {
      processes.at(-1)!.die('no')
      await settle()
    }
    expect(processes).toHaveLength(2)
    // A call is worth another try.
    const types = client.handlers['lab.types']({})
    await settle()
    expect(await types).toMatchObject({ ok: true })
    expect(processes).toHaveLength(3)
  })

  test('closing ends the host and answers what is open, without a word to the window', async () => {
    const open = run('a')
    await settle()
    client.close()
    expect(await open).toMatchObject({ ok: false, error: { code: 'lab-process-lost' } })
    await settle()
    expect(processes[0]!.isAlive).toBe(false)
    expect(lost).toEqual([])
    expect(await client.handlers['lab.types']({})).toMatchObject({ ok: false })
    expect(processes).toHaveLength(1)
  })
})

test.each([
  [
    134,
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    /memory/,
  ],
  [1, 'x\nTypeError: cannot read\n  at y', /code 1\): TypeError: cannot read$/],
  [11, '', /code 11\)\.$/],
])('exit %i with %j is explained', (code, words, text) =>
  expect(whyItEnded(code, words)).toMatch(text),
)
