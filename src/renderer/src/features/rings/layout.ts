/**
 * Where the boxes of the ring picture stand, and the lines between them. Ring 3 is above the boundary
 * and is read from left to right; below it the way turns back, so that each box is beside the next.
 */
import type { RingStop } from '../../../../shared/trace/rings'

export interface PlacedBox {
  id: string
  ring: 0 | 3
  module: string
  name: string
  column: number
  /** Row within its ring. */
  row: number
  /** Stops that are in it, in order. */
  stops: RingStop[]
}

export interface Leg {
  /** Index of the stop that it leads to. */
  to: number
  from: Spot
  end: Spot
  kind: 'in' | 'down' | 'back'
  isHooked: boolean
}

/** A box, or the place on the boundary at which `syscall` crosses it. */
export type Spot = { box: PlacedBox } | { boundary: number }

export interface RingLayout {
  columns: number
  /** Rows of boxes in each ring. */
  rows: { user: number; kernel: number }
  boxes: PlacedBox[]
  /** Column at which the boundary is crossed; null when it is not. */
  crossing: { column: number; stop: RingStop } | null
  legs: Leg[]
}

/** Place the stops of one call in so many columns. */
export function layoutOf(stops: readonly RingStop[], columns: number): RingLayout {
  const boxes = boxesOf(stops)
  const user = boxes.filter(({ ring }) => ring === 3)
  const kernel = boxes.filter(({ ring }) => ring === 0)
  const rows = {
    user: Math.ceil(user.length / columns),
    kernel: Math.ceil(kernel.length / columns),
  }
  user.forEach((box, i) => {
    // Counted from the end: the last one stands over the way down.
    const fromEnd = user.length - 1 - i
    box.column = columns - 1 - (fromEnd % columns)
    box.row = rows.user - 1 - Math.floor(fromEnd / columns)
  })
  kernel.forEach((box, i) => {
    const along = i % columns
    box.row = Math.floor(i / columns)
    box.column = box.row % 2 === 0 ? columns - 1 - along : along
  })
  const syscall = stops.find(({ kind }) => kind === 'syscall')
  const crossing = syscall ? { column: columns - 1, stop: syscall } : null
  return { columns, rows, boxes, crossing, legs: legsOf(stops, boxes, columns) }
}

function boxesOf(stops: readonly RingStop[]): PlacedBox[] {
  const boxes = new Map<string, PlacedBox>()
  for (const stop of stops) {
    if (stop.kind === 'syscall') continue
    const known = boxes.get(stop.box)
    if (known) known.stops.push(stop)
    else {
      const { box: id, ring, module, name } = stop
      boxes.set(id, { id, ring, module, name, column: 0, row: 0, stops: [stop] })
    }
  }
  return [...boxes.values()]
}

function legsOf(stops: readonly RingStop[], boxes: readonly PlacedBox[], columns: number): Leg[] {
  const spot = (stop: RingStop): Spot => {
    const box = boxes.find(({ id }) => id === stop.box)
    return box ? { box } : { boundary: columns - 1 }
  }
  return stops.slice(1).flatMap((stop, i): Leg[] => {
    const before = stops[i]!
    const [from, end] = [spot(before), spot(stop)]
    if ('box' in from && 'box' in end && from.box === end.box) return []
    const kind = stop.kind === 'back' ? 'back' : before.ring === stop.ring ? 'in' : 'down'
    return [
      { to: stop.index, from, end, kind, isHooked: kind !== 'back' && before.hooked !== null },
    ]
  })
}

/** The stop at which a step of the run is: the last one that has begun, or the first one. */
export function stopAt(stops: readonly RingStop[], step: number): number {
  return Math.max(
    0,
    stops.findLastIndex(({ seq }) => seq <= step),
  )
}
