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
  /** From the middle to the ring of files, without names. */
  radius: number
}

/** Distances in units of the picture, which are CSS pixels at 100 %. */
const HUB_RADIUS_MIN = 118
const HUB_SHARE = 0.42
const RING_MIN = 218
/** Along the ring, from name to name. */
const NAME_HEIGHT = 15

const HALF = Math.PI / 2
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Lay out the kin by the relations that are asked for. */
export function layoutKin(kin: Kin, shown: ReadonlySet<Relation>): KinLayout | null {
  const center = kin.files[0]
  if (!center) return null
  const rows = new Map(kin.files.map((row) => [row.id, row]))
  const groups = kin.groups
    .filter((group) => shown.has(group.relation))
    .map((group) => ({
      ...group,
      key: `${group.relation} ${group.value}`,
      others: [...new Set(group.files)].filter((id) => id !== center.id && rows.has(id)),
    }))
    .sort(
      (a, b) =>
        KIN_RELATIONS.indexOf(a.relation) - KIN_RELATIONS.indexOf(b.relation) ||
        b.total - a.total ||
        byText(a.value, b.value),
    )

  const homes = new Map<number, string>()
  for (const group of groups)
    for (const id of group.others) if (!homes.has(id)) homes.set(id, group.key)

  const distance = (id: number): number | null =>
    groups.find(({ relation }) => relation === 'tlsh')?.distances[String(id)] ?? null
  const shares = (id: number): string[] =>
    groups.filter(({ others }) => others.includes(id)).map(({ key }) => key)

  // A part of the circle is dealt out evenly, so that hubs keep apart; the rest goes by files.
  const even = Math.max(0.36, 0.55 - homes.size / 400)
  const count = homes.size
  const width = (files: number): number =>
    Math.PI *
    2 *
    (groups.length === 1 || count === 0
      ? 1 / groups.length
      : even / groups.length + ((1 - even) * files) / count)

  const hubs: Hub[] = []
  const files: KinFile[] = []
  let crowding = 0
  let start = -HALF - (groups.length > 0 ? width(homesOf(groups[0]!.key).length) / 2 : 0)
  for (const group of groups) {
    const home = homesOf(group.key).sort(
      (a, b) =>
        (distance(a) ?? 999) - (distance(b) ?? 999) ||
        byText(rows.get(a)!.name, rows.get(b)!.name) ||
        a - b,
    )
    const sector = width(home.length)
    const angle = start + sector / 2
    hubs.push({
      key: group.key,
      relation: group.relation,
      value: group.value,
      label: group.label,
      total: group.total,
      angle,
      x: 0,
      y: 0,
      home,
    })
    const step = sector / (home.length + 0.6)
    // A few files keep together instead of spreading over the whole sector.
    const spread = Math.min(step, 0.2)
    if (home.length > 0) crowding = Math.max(crowding, NAME_HEIGHT / spread)
    home.forEach((id, i) => {
      const at = angle + (i - (home.length - 1) / 2) * spread
      files.push({
        row: rows.get(id)!,
        angle: at,
        x: 0,
        y: 0,
        home: group.key,
        hubs: shares(id),
        distance: distance(id),
      })
    })
    start += sector
  }
  const radius = Math.max(RING_MIN, crowding)
  const hubRadius = Math.max(HUB_RADIUS_MIN, radius * HUB_SHARE)
  for (const hub of hubs) {
    hub.x = Math.cos(hub.angle) * hubRadius
    hub.y = Math.sin(hub.angle) * hubRadius
  }
  for (const file of files) {
    file.x = Math.cos(file.angle) * radius
    file.y = Math.sin(file.angle) * radius
  }
  return { center, hubs, files, radius }

  function homesOf(key: string): number[] {
    return [...homes].filter(([, home]) => home === key).map(([id]) => id)
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
