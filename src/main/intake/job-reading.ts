/**
 * One job in the helper process: lists it, reads its items, and sends what became of them. Reading
 * and unpacking go one after the other, analysis in worker threads beside them; how far it runs ahead
 * is bounded in bytes, in files, and by what main has written.
 */
import type { IntakeFailure } from '../../shared/contract/files'
import type { Anomaly, FileFacts } from '../../shared/driver-file/facts'
import { Batches, Credit } from './batches'
import { ItemReader, sizeOf } from './item-reader'
import { ARCHIVE_DEPTH_MAX, BYTES_IN_FLIGHT_MAX, FILE_BYTES_MAX, LIST_ITEMS_MAX } from './limits'
import { entriesOf, list, NOT_TAKEN, otherArchiveReason } from './lister'
import type { FromHost, QuarantineAccess } from './messages'
import { digestsOf, digestsOfFile, factsWithoutAnalysis } from './minimal-facts'
import { fileName } from './names'
import { folderKey, readPackageFolder, type PackageFolder, type PackageReaders } from './packages'
import { PoolBroken, type Pool } from './pool'
import type { IntakeBatch, IntakeItem, NewItem } from './port'
import { openQuarantine, type Quarantine } from './quarantine'
import { messageOf, Unreadable } from './reasons'
import { HEAD_BYTES, recognise, whyNoImage } from './recognise'
import { recordsIn } from './records'
import type { Yara } from './yara'

export interface JobTools {
  post(message: FromHost): void
  pool: Pool
  packages: PackageReaders
  /** Null when the user has no rules. */
  yara: Yara | null
}

export interface JobSettings {
  job: number
  paths: string[]
  passwords: string[]
  quarantine: QuarantineAccess | null
}

type Part = Partial<Omit<IntakeBatch, 'packages'>>

/** How often the name of what is being read is told. */
const CURRENT_MS = 200
/** Folders whose catalogues are held. */
const FOLDERS_HELD = 4

export class JobReading {
  readonly #settings: JobSettings
  readonly #tools: JobTools
  readonly #reader: ItemReader
  readonly #credit = new Credit()
  readonly #batches: Batches
  readonly #quarantine: Quarantine | null
  readonly #folders = new Map<string, PackageFolder>()
  readonly #queue: IntakeItem[] = []
  /** Analyses that are under way. */
  readonly #open = new Set<Promise<void>>()
  #bytesOpen = 0
  /** The loop that takes items off the queue, while it runs. */
  #pumping: Promise<void> | null = null
  #isStopping = false
  #currentAt = 0
  #listing: Promise<void> = Promise.resolve()
  /** Calls of the reader, one after the other. */
  #lastRead: Promise<unknown> = Promise.resolve()

  constructor(settings: JobSettings, tools: JobTools) {
    this.#settings = settings
    this.#tools = tools
    this.#reader = new ItemReader(settings.passwords)
    const { job, quarantine } = settings
    this.#batches = new Batches(this.#credit, (batch) => tools.post({ kind: 'batch', job, batch }))
    this.#quarantine = quarantine && openQuarantine(quarantine.folder, quarantine.masterKey)
  }

  written(): void {
    this.#credit.written()
  }

  /** Make the list and send it. */
  list(): Promise<void> {
    this.#listing = this.#list()
    return this.#listing
  }

  async #list(): Promise<void> {
    const { job, paths } = this.#settings
    let items: NewItem[] = []
    let failures: IntakeFailure[] = []
    const send = async (isLast: boolean): Promise<void> => {
      await this.#credit.take()
      if (this.#isStopping) return
      this.#tools.post({ kind: 'listed', job, items, failures, isLast })
      items = []
      failures = []
    }
    for await (const one of list(paths, this.#reader)) {
      if (this.#isStopping) return
      if ('item' in one) items.push(one.item)
      else failures.push(one.failure)
      this.#tellCurrent(('item' in one ? one.item : one.failure).name)
      if (items.length + failures.length >= LIST_ITEMS_MAX) await send(false)
    }
    await send(true)
  }

  read(items: IntakeItem[]): void {
    this.#queue.push(...items)
    this.#pumping ??= this.#pump()
  }

  /** Finish what is being read and send it; what was only queued stays unread. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#queue.length = 0
    await this.#listing.catch(() => undefined)
    await this.#pumping
    await Promise.all(this.#open)
    await this.#batches.flush()
  }

  /** Let go of everything, sent or not. */
  async close(): Promise<void> {
    this.#isStopping = true
    this.#queue.length = 0
    this.#batches.drop()
    await this.#serially(() => this.#reader.close())
  }

  async #pump(): Promise<void> {
    for (let item = this.#queue.shift(); item; item = this.#queue.shift()) {
      await this.#room(item.size)
      if (this.#isStopping) break
      this.#tellCurrent(item.name)
      await this.#take(item)
    }
    this.#pumping = null
    if (this.#open.size === 0) void this.#batches.flush()
  }

  /** Wait until another file of this size may be held. */
  async #room(size: number): Promise<void> {
    const filesMax = this.#tools.pool.size + 2
    while (
      this.#open.size > 0 &&
      (this.#open.size >= filesMax || this.#bytesOpen + size > BYTES_IN_FLIGHT_MAX)
    )
      await Promise.race(this.#open)
  }

  /** Read one item; its analysis goes on when this returns. Never throws. */
  async #take(item: IntakeItem): Promise<void> {
    try {
      const part = await this.#serially(() => this.#prepare(item))
      if (part) await this.#batches.add({ items: [item.number], ...part })
    } catch (error) {
      const reason = error instanceof Unreadable ? error.message : `It failed: ${messageOf(error)}`
      const offset = error instanceof Unreadable ? error.offset : null
      const failures = [{ name: item.name, offset, reason }]
      await this.#batches.add({ items: [item.number], failures })
    }
  }

  /** @returns what is known at once; null when an analysis was begun */
  async #prepare(item: IntakeItem): Promise<Part | null> {
    const isLarge = item.entries.length === 0 && (await sizeOf(item.path)) > FILE_BYTES_MAX
    if (isLarge) {
      const head = await this.#reader.head(item.path)
      if (recognise(item.name, head) === 'driver') return this.#largeFile(item)
    }
    const bytes = await this.#reader.item(item)
    const head = bytes.subarray(0, HEAD_BYTES)
    switch (recognise(item.name, head)) {
      case 'driver': {
        const none = whyNoImage(head)
        if (none !== null) throw new Unreadable(none, 0)
        const folder = await this.#folderOf(item)
        this.#begin(bytes.length, this.#analyse(item, bytes, folder))
        return null
      }
      case 'inf':
      case 'catalogue':
        await this.#folderOf(item)
        return {}
      case 'archive':
        return this.#inside(item, bytes)
      case 'records':
        return { records: recordsIn(bytes, item.name) }
      case 'other-archive':
        throw new Unreadable(otherArchiveReason(head))
      default:
        if (item.isGiven) throw new Unreadable(NOT_TAKEN)
        return { skipped: 1 }
    }
  }

  #begin(bytes: number, analysis: Promise<void>): void {
    this.#bytesOpen += bytes
    const open = analysis.finally(() => {
      this.#bytesOpen -= bytes
      this.#open.delete(open)
      if (this.#open.size === 0 && !this.#pumping) void this.#batches.flush()
    })
    this.#open.add(open)
  }

  async #analyse(
    item: IntakeItem,
    given: Uint8Array<ArrayBuffer>,
    folder: PackageFolder | null,
  ): Promise<void> {
    try {
      const outcome =
        given.length > FILE_BYTES_MAX
          ? { lost: 'memory-limit' as const, text: tooLarge }
          : await this.#tools.pool.analyse(given, folder?.catalogues)
      if ('facts' in outcome) return await this.#land(item, outcome.facts, outcome.bytes, folder)
      const bytes = await this.#serially(() => this.#reader.item(item))
      const anomaly = lostAnomaly(outcome.lost, outcome.text)
      const facts = factsWithoutAnalysis(bytes.length, digestsOf(bytes), [anomaly])
      await this.#land(item, facts, bytes, folder)
    } catch (error) {
      if (error instanceof PoolBroken) {
        this.#isStopping = true
        this.#tools.post({ kind: 'trouble', job: this.#settings.job, reason: error.message })
        return
      }
      if (this.#isStopping) return
      const reason = `It failed: ${messageOf(error)}`
      await this.#batches.add({
        items: [item.number],
        failures: [{ name: item.name, offset: null, reason }],
      })
    }
  }

  async #land(
    item: IntakeItem,
    facts: FileFacts,
    bytes: Uint8Array,
    folder: PackageFolder | null,
  ): Promise<void> {
    const notices: IntakeFailure[] = []
    const name = fileName(item.name)
    let quarantine: string | null = null
    if (this.#quarantine) {
      const kept = await this.#quarantine.keep(facts.hashes.sha256, bytes)
      if (kept.ok) quarantine = kept.value
      else notices.push(notKept(item, kept.error.message))
    }
    let yara: Awaited<ReturnType<Yara['scan']>>['matches'] = null
    if (this.#tools.yara) {
      const scan = await this.#tools.yara.scan(bytes)
      yara = scan.matches
      if (scan.problem !== null)
        notices.push({ name: item.name, offset: null, reason: scan.problem })
    }
    const packages = folder?.membershipsOf(name, facts) ?? []
    await this.#batches.add({
      items: [item.number],
      files: [{ name, from: item.name, facts, quarantine, yara, packages }],
      notices,
    })
  }

  /** A driver on disk too large to be held. */
  async #largeFile(item: IntakeItem): Promise<Part> {
    const { size, hashes } = await digestsOfFile(item.path)
    const facts = factsWithoutAnalysis(size, hashes, [lostAnomaly('memory-limit', tooLarge)])
    const file = { name: fileName(item.name), from: item.name, facts, yara: null, packages: [] }
    return {
      files: [{ ...file, quarantine: null }],
      notices: this.#quarantine ? [notKept(item, largerThanRead)] : [],
    }
  }

  async #inside(item: IntakeItem, bytes: Uint8Array): Promise<Part> {
    // The file on disk is the first archive, each entry on the way another one.
    if (item.entries.length >= ARCHIVE_DEPTH_MAX)
      throw new Unreadable(
        `Archives inside of archives are opened to ${ARCHIVE_DEPTH_MAX} levels. Unpack it and import the folder.`,
      )
    const found: NewItem[] = []
    const failures: IntakeFailure[] = []
    const archive = await this.#reader.hold(item, bytes)
    for (const one of entriesOf(archive, item))
      if ('item' in one) found.push(one.item)
      else failures.push(one.failure)
    return { found, failures }
  }

  /** What lies beside an item. New packages go into the batch, ahead of the files. */
  async #folderOf(item: IntakeItem): Promise<PackageFolder | null> {
    const key = folderKey(item)
    const held = this.#folders.get(key)
    if (held) return held
    const { paths } = this.#settings
    const folder = await readPackageFolder(item, this.#reader, paths, this.#tools.packages)
    this.#folders.set(key, folder)
    for (const old of this.#folders.keys()) {
      if (this.#folders.size <= FOLDERS_HELD) break
      this.#folders.delete(old)
    }
    this.#batches.addPackages(folder.packages)
    return folder
  }

  #serially<T>(read: () => Promise<T>): Promise<T> {
    const next = this.#lastRead.then(read, read)
    this.#lastRead = next
    return next
  }

  #tellCurrent(name: string): void {
    const now = performance.now()
    if (now - this.#currentAt < CURRENT_MS) return
    this.#currentAt = now
    this.#tools.post({ kind: 'current', job: this.#settings.job, name })
  }
}

const largerThanRead = `It is larger than ${FILE_BYTES_MAX / 1024 / 1024} MB.`
const tooLarge = `${largerThanRead.slice(0, -1)}, so only its digests were taken.`

const lostAnomaly = (id: string, text: string): Anomaly => ({
  id,
  severity: 'broken',
  text,
  offset: null,
})

const notKept = ({ name }: IntakeItem, reason: string): IntakeFailure => ({
  name,
  offset: null,
  reason: `It was read, but its bytes were not kept. ${reason}`,
})
