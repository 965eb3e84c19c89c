/**
 * Driver packages: INF files, catalogues and the drivers that lie in one folder, on disk or in an
 * archive. A catalogue signs its drivers from beside, so they are read together with it.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileFacts } from '../../shared/driver-file/facts'
import type { CatalogueFacts, InfFacts } from '../../shared/driver-file/package-facts'
import type { Archive, ArchiveEntry } from './archive'
import type { ItemReader, Place } from './item-reader'
import { PACKAGE_PART_BYTES_MAX, PACKAGE_PARTS_MAX } from './limits'
import { fileName, folderName } from './names'
import type { IntakeItem, LandedFile, LandedPackage } from './port'
import type { CatalogueSet } from './worker-messages'

/** How the two kinds of text are read; both bound their own work. */
export interface PackageReaders {
  readInf(bytes: Uint8Array, name: string): InfFacts
  readCatalogue(bytes: Uint8Array): CatalogueFacts
}

/** What lies beside the drivers of one folder. */
export interface PackageFolder {
  packages: LandedPackage[]
  catalogues: CatalogueSet | null
  /** Parts that could not be read, by file name: they are told where they are read themselves. */
  membershipsOf(name: string, facts: FileFacts): LandedFile['packages']
}

interface Part {
  name: string
  bytes: Uint8Array<ArrayBuffer>
}

const isPart = (name: string): boolean => /\.(inf|cat)$/i.test(name)
const isCatalogue = (name: string): boolean => /\.cat$/i.test(name)

/** One folder, one key: where its packages are looked for. */
export function folderKey({ path, entries, name, isGiven }: IntakeItem): string {
  return entries.length === 0
    ? JSON.stringify([dirname(path), isGiven])
    : JSON.stringify([path, ...entries.slice(0, -1), folderName(name)])
}

/**
 * Read the parts beside an item.
 * @param given paths the user named: of a file named itself only named neighbours count
 */
export async function readPackageFolder(
  item: IntakeItem,
  reader: ItemReader,
  given: string[],
  readers: PackageReaders,
): Promise<PackageFolder> {
  const parts: Part[] = []
  for (const place of (await partsBeside(item, reader, given)).slice(0, PACKAGE_PARTS_MAX)) {
    try {
      const bytes = await reader.bytes(place, PACKAGE_PART_BYTES_MAX)
      parts.push({ name: place.name, bytes })
    } catch {
      // It is an item of its own and told there.
    }
  }
  return packagesOf(parts, readers)
}

async function partsBeside(
  item: IntakeItem,
  reader: ItemReader,
  given: string[],
): Promise<(Place & { name: string })[]> {
  const { path, entries } = item
  if (entries.length > 0) {
    const outer = entries.slice(0, -1)
    const archive = await reader.archive({ path, entries: outer })
    const own = archive.entry(entries.at(-1) ?? -1)
    const parts = partsByFolder(archive).get(folderName(own?.name ?? '')) ?? []
    return parts.map(({ index, name }) => ({
      path,
      entries: [...outer, index],
      name: fileName(name),
    }))
  }
  const folder = dirname(path)
  const names = item.isGiven
    ? given.filter((other) => dirname(other) === folder).map((other) => basename(other))
    : (await readdir(folder, { withFileTypes: true }))
        .filter((child) => child.isFile())
        .map(({ name }) => name)
  return names
    .filter(isPart)
    .sort()
    .map((name) => ({ path: join(folder, name), entries: [], name }))
}

/** An archive may have as many folders as entries, so they are sorted once. */
const sorted = new WeakMap<Archive, Map<string, ArchiveEntry[]>>()

function partsByFolder(archive: Archive): Map<string, ArchiveEntry[]> {
  const held = sorted.get(archive)
  if (held) return held
  const folders = new Map<string, ArchiveEntry[]>()
  for (const entry of archive.entries) {
    if (!isPart(entry.name)) continue
    const folder = folderName(entry.name)
    const parts = folders.get(folder)
    if (parts) parts.push(entry)
    else folders.set(folder, [entry])
  }
  sorted.set(archive, folders)
  return folders
}

/** @param parts INF files and catalogues of one folder */
export function packagesOf(parts: Part[], readers: PackageReaders): PackageFolder {
  const catalogues = parts
    .filter(({ name }) => isCatalogue(name))
    .map((part) => ({
      ...part,
      facts: readOr(() => readers.readCatalogue(part.bytes), noCatalogue),
    }))
  const infs = parts
    .filter(({ name }) => !isCatalogue(name))
    .map((part) => ({
      ...part,
      facts: readOr(() => readers.readInf(part.bytes, part.name), noInf),
    }))

  const used = new Set<string>()
  const packages: {
    landed: LandedPackage
    /** Null: all files beside it. */
    mentioned: Set<string> | null
    listed: Set<string> | null
  }[] = []
  for (const { name, bytes, facts } of infs) {
    const named = namedCatalogues(facts)
    const own =
      catalogues.find((other) => named.has(other.name.toLowerCase())) ??
      (infs.length === 1 && catalogues.length === 1 ? catalogues[0] : undefined)
    if (own) used.add(own.name)
    const key = keyOf(bytes, own?.bytes)
    packages.push({
      landed: { key, name, inf: facts, catalogue: own?.facts ?? null },
      mentioned: mentionedFiles(facts),
      listed: own ? listedDigests(own.facts) : null,
    })
  }
  for (const { name, bytes, facts } of catalogues)
    if (!used.has(name))
      packages.push({
        landed: { key: keyOf(undefined, bytes), name, inf: null, catalogue: facts },
        mentioned: new Set(),
        listed: listedDigests(facts),
      })

  return {
    packages: packages.map(({ landed }) => landed),
    catalogues: catalogues.length === 0 ? null : catalogueSet(catalogues),
    membershipsOf: (name, facts) =>
      packages.flatMap(({ landed, mentioned, listed }) => {
        const isListed = listed && digestsToList(facts).some((digest) => listed.has(digest))
        const isMember = isListed || mentioned === null || mentioned.has(name.toLowerCase())
        return isMember ? [{ key: landed.key, isListed }] : []
      }),
  }
}

function catalogueSet(catalogues: Part[]): CatalogueSet {
  const hash = createHash('sha256')
  for (const { bytes } of catalogues) hash.update(digest(bytes))
  return {
    key: hash.digest('hex'),
    parts: catalogues.map(({ name, bytes }) => ({ name, bytes })),
  }
}

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

function keyOf(inf: Uint8Array | undefined, catalogue: Uint8Array | undefined): string {
  const hash = createHash('sha256')
  for (const bytes of [inf, catalogue]) hash.update(bytes ? digest(bytes) : 'none')
  return hash.digest('hex')
}

/** `CatalogFile`, `CatalogFile.NTamd64` and so on of `[Version]`. */
function namedCatalogues({ version }: InfFacts): Set<string> {
  return new Set(
    Object.entries(version)
      .filter(([key]) => /^catalogfile(\.|$)/i.test(key))
      .map(([, value]) => value.trim().toLowerCase()),
  )
}

/** Files an INF installs, lower case; null when it names none, and then all beside it belong. */
function mentionedFiles({ files, services }: InfFacts): Set<string> | null {
  const names = [
    ...files.map(({ name }) => name),
    ...services.map(({ binary }) => binary.replace(/^.*[\\/]/, '')),
  ].filter((name) => name !== '')
  return names.length === 0 ? null : new Set(names.map((name) => name.toLowerCase()))
}

const listedDigests = ({ members }: CatalogueFacts): Set<string> =>
  new Set(members.map(({ digest }) => digest.toLowerCase()))

/** Catalogues list images by authentihash and other files by the hash of all bytes. */
function digestsToList({ hashes, image }: FileFacts): string[] {
  const own = [hashes.sha1, hashes.sha256]
  return image?.authentihash ? [...own, image.authentihash.sha1, image.authentihash.sha256] : own
}

/** Parsers of hostile text may have faults; a package without facts is better than none. */
function readOr<T>(read: () => T, otherwise: (problem: string) => T): T {
  try {
    return read()
  } catch (error) {
    return otherwise(`It could not be read: ${error instanceof Error ? error.message : ''}`)
  }
}

const noCatalogue = (problem: string): CatalogueFacts => ({
  members: [],
  attributes: {},
  problems: [problem],
})
const noInf = (problem: string): InfFacts => ({
  version: {},
  models: [],
  services: [],
  registry: [],
  files: [],
  problems: [problem],
})
