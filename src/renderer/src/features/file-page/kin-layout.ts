/**
 * Where the kin of a file stand: the file in the middle, a hub for each shared value around it, the
 * other files on the ring beyond, each behind the hub of its closest relation. Laid out by hand on
 * circles: nothing overlaps, names can be read along their spokes, and the same kin always look alike.
 */
import type { FileRow, Kin } from '../../../../shared/contract/files'
import { KIN_RELATIONS } from '../../../../shared/contract/files'
import type { Relation } from './words'

export interface Hub {
  key: string
  relation: Relation
  value: string
  label: string
  total: number
  angle: number
  x: number
  y: number
  /** Ids of the files that stand behind it, in their order on the ring. */
  home: number[]
}

export interface KinFile {
  row: FileRow
  angle: number
  x: number
  y: number
  home: string
  /** Keys of all hubs it shares. */
  hubs: string[]
  /** TLSH distance to the file in the middle. */
  distance: number | null
}

export interface KinLayout {
  center: FileRow
  hubs: Hub[]
  files: KinFile[]
  hubRadius: number
  /** From the middle to the ring of files, without names. */
  radius: number
}

/** Distances in units of the picture, which are CSS pixels at 100 %. */
export const HUB_RADIUS_MIN = 118
const HUB_SHARE = 0.42
/** Radians from hub to hub. */
const HUB_APART = 0.8
const SPREAD_ROUNDS = 60
const RING_MIN = 218
/** Along the ring, from name to name. */
const NAME_HEIGHT = 15

/** Radians from file to file, at most. */
const STEP_MAX = 0.2

type Group = Kin['groups'][number] & { key: string }

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The groups that are asked for, closest relation first, without the file in the middle. */
function groupsOf(kin: Kin, shown: ReadonlySet<Relation>): Group[] {
  const listed = new Set(kin.files.slice(1).map(({ id }) => id))
  return kin.groups
    .filter(({ relation }) => shown.has(relation))
    .map((group) => ({
      ...group,
      key: `${group.relation} ${group.value}`,
      files: [...new Set(group.files)].filter((id) => listed.has(id)),
    }))
    .sort(
      (a, b) =>
        KIN_RELATIONS.indexOf(a.relation) - KIN_RELATIONS.indexOf(b.relation) ||
        b.total - a.total ||
        byText(a.value, b.value),
    )
}

/** Lay out the kin by the relations that are asked for. */
export function layoutKin(kin: Kin, shown: ReadonlySet<Relation>): KinLayout | null {
  const center = kin.files[0]
  if (!center) return null
  const rows = new Map(kin.files.map((row) => [row.id, row]))
  const groups = groupsOf(kin, shown)
  const distances = groups.find(({ relation }) => relation === 'tlsh')?.distances ?? {}
  const distance = (id: number): number | null => distances[String(id)] ?? null

  const taken = new Set<number>()
  const homes = groups.map((group) => {
    const home = group.files.filter((id) => !taken.has(id))
    for (const id of home) taken.add(id)
    return home.sort(
      (a, b) =>
        (distance(a) ?? Infinity) - (distance(b) ?? Infinity) ||
        byText(rows.get(a)!.name, rows.get(b)!.name) ||
        a - b,
    )
  })

  // A part of the circle is dealt out evenly, so that hubs keep apart; the rest goes by files.
  const even = taken.size === 0 ? 1 : Math.max(0.2, 0.55 - taken.size / 200)
  const sectors = homes.map(
    (home) =>
      Math.PI * 2 * (even / groups.length + ((1 - even) * home.length) / Math.max(1, taken.size)),
  )

  const hubs: Hub[] = []
  const files: KinFile[] = []
  let radius = RING_MIN
  let start = -Math.PI / 2 - (sectors[0] ?? 0) / 2
  for (const [i, { key, relation, value, label, total }] of groups.entries()) {
    const home = homes[i]!
    const sector = sectors[i]!
    const angle = start + sector / 2
    start += sector
    hubs.push({ key, relation, value, label, total, angle, x: 0, y: 0, home })
    // A few files keep together instead of spreading over the whole sector.
    const step = Math.min(STEP_MAX, sector / (home.length + 0.6))
    if (home.length > 1) radius = Math.max(radius, NAME_HEIGHT / step)
    for (const [j, id] of home.entries())
      files.push({
        row: rows.get(id)!,
        angle: angle + (j - (home.length - 1) / 2) * step,
        x: 0,
        y: 0,
        home: key,
        hubs: groups.filter((group) => group.files.includes(id)).map((group) => group.key),
        distance: distance(id),
      })
  }

  const hubRadius = Math.max(HUB_RADIUS_MIN, radius * HUB_SHARE)
  spreadHubs(hubs)
  for (const hub of hubs) place(hub, hubRadius)
  for (const file of files) place(file, radius)
  return { center, hubs, files, hubRadius, radius }
}

function place(node: { angle: number; x: number; y: number }, radius: number): void {
  node.x = Math.cos(node.angle) * radius
  node.y = Math.sin(node.angle) * radius
}

/** Push hubs apart along their circle until their words have room; each stays near its files. */
function spreadHubs(hubs: readonly Hub[]): void {
  if (hubs.length < 2) return
  const apart = Math.min(HUB_APART, (Math.PI * 2 * 0.92) / hubs.length)
  for (let round = 0; round < SPREAD_ROUNDS; round++)
    for (const [i, hub] of hubs.entries()) {
      const next = hubs[(i + 1) % hubs.length]!
      const turn = i + 1 === hubs.length ? Math.PI * 2 : 0
      const lack = apart - (next.angle + turn - hub.angle)
      if (lack <= 0) continue
      hub.angle -= lack / 2
      next.angle += lack / 2
    }
}

/** Where the keyboard goes next: along the ring, out to the files, in to the hub and the middle. */
export function walk(
  layout: KinLayout,
  at: string,
  move: 'next' | 'previous' | 'out' | 'in' | 'first' | 'last',
): string {
  const hub = layout.hubs.find(({ key }) => key === at)
  const file = layout.files.find(({ row }) => `file ${row.id}` === at)
  const order = [
    'center',
    ...layout.hubs.flatMap(({ key, home }) => [key, ...home.map((id) => `file ${id}`)]),
  ]
  const ring = file
    ? layout.files.map(({ row }) => `file ${row.id}`)
    : hub
      ? layout.hubs.map(({ key }) => key)
      : order
  const index = ring.indexOf(at)
  switch (move) {
    case 'next':
      return ring[(index + 1) % ring.length] ?? at
    case 'previous':
      return ring[(index - 1 + ring.length) % ring.length] ?? at
    case 'out':
      if (hub)
        return hub.home.length > 0 ? `file ${hub.home[Math.floor((hub.home.length - 1) / 2)]}` : at
      return file ? at : (layout.hubs[0]?.key ?? at)
    case 'in':
      return file ? file.home : 'center'
    case 'first':
      return order[0]!
    case 'last':
      return order.at(-1)!
  }
}
