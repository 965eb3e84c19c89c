/**
 * The times of a file and of one of its signatures on one axis: when it was compiled, when it claims
 * to be signed, how long each certificate was good. Pure: facts in, places out. What lies outside of
 * what it should lie in shows as a gap, in words.
 */
import type { Certificate, Image, Signature } from '../../../../shared/driver-file/facts'
import { day, duration, utc } from './words'

/** Since this day Windows 10 wants new drivers signed by Microsoft; older certificates are let in. */
export const RULE_DAY = Date.parse('2015-07-29T00:00:00Z')

/** Clocks and time zones differ: less than this is no difference. */
const TOLERANCE_MS = 86_400_000

export interface Domain {
  /** Milliseconds since 1970. */
  from: number
  to: number
}

export interface TimePoint {
  id: 'compiled' | 'claimed' | 'rule'
  label: string
  at: number
}

export interface TimeBar {
  key: string
  of: 'signer' | 'stamp'
  /** 0 for the leaf, then its issuers. */
  depth: number
  label: string
  from: number
  to: number
}

/** A stretch of time that should not be there. */
export interface TimeGap {
  row: 'signer' | 'claimed' | 'stamp'
  from: number
  to: number
  text: string
  /** The same where there is little room. */
  short: string
}

/** Whether a point lies within the validity of a leaf certificate. */
export interface Crossing {
  of: TimeBar['of']
  point: 'compiled' | 'claimed'
  at: number
  isInside: boolean
}

export interface Times {
  domain: Domain
  points: TimePoint[]
  bars: TimeBar[]
  gaps: TimeGap[]
  crossings: Crossing[]
  /** Everything in the order of time, in words: what the keyboard walks and the table shows. */
  moments: { at: number; time: string; text: string }[]
}

const ms = (time: string): number => Date.parse(time)

const barsOf = (chain: readonly Certificate[], of: TimeBar['of']): TimeBar[] =>
  chain.map((certificate, depth) => ({
    key: `${of}${depth}`,
    of,
    depth,
    label: certificate.subjectName,
    from: ms(certificate.from),
    to: ms(certificate.to),
  }))

const momentsOf = (chain: readonly Certificate[], who: string): Times['moments'] =>
  chain.flatMap(({ from, to, subjectName }, depth) => {
    const role = depth === 0 ? who : `issuer, ${who}`
    return [
      { at: ms(from), time: day(from), text: `valid from here: ${subjectName} (${role})` },
      { at: ms(to), time: day(to), text: `expires: ${subjectName} (${role})` },
    ]
  })

/**
 * Lay out the times of one signature. The axis spans the points and the signer's own certificate:
 * certificates of issuers live for decades and run out of the picture.
 */
export function timesOf(image: Image | null, signature: Signature | null): Times | null {
  const compiled = image?.compiled ? ms(image.compiled) : null
  const stamp = signature?.timeStamp ?? null
  const claimed = stamp ? ms(stamp.time) : null
  const signer = barsOf(signature?.chain ?? [], 'signer')
  const stampBars = barsOf(stamp?.chain ?? [], 'stamp')
  const leaf = signer[0]
  const stampLeaf = stampBars[0]
  const known = [compiled, claimed, leaf?.from, leaf?.to].filter(
    (time): time is number => typeof time === 'number' && Number.isFinite(time),
  )
  if (known.length === 0) return null

  const points: TimePoint[] = [
    ...(compiled === null ? [] : [{ id: 'compiled' as const, label: 'Compiled', at: compiled }]),
    ...(claimed === null
      ? []
      : [{ id: 'claimed' as const, label: 'Claimed signing', at: claimed }]),
    { id: 'rule', label: '2015-07-29', at: RULE_DAY },
  ]

  const gaps: TimeGap[] = []
  const gap = (
    row: TimeGap['row'],
    [from, to]: [number, number],
    text: string,
    short: string,
  ): void => {
    if (to - from > TOLERANCE_MS) gaps.push({ row, from, to, text, short })
  }
  if (compiled !== null && leaf) {
    const words = duration(leaf.to, compiled)
    const text = `compiled ${words} after the signer’s certificate expired`
    gap('signer', [leaf.to, compiled], text, `${words} after it expired`)
  }
  if (compiled !== null && claimed !== null) {
    const words = duration(claimed, compiled)
    gap('claimed', [claimed, compiled], `compiled ${words} after the claimed signing`, words)
  }
  if (claimed !== null && stampLeaf) {
    const text = 'the stamp’s certificate was not valid at the claimed time'
    gap('stamp', [stampLeaf.to, claimed], text, 'not valid then')
    gap('stamp', [claimed, stampLeaf.from], text, 'not valid then')
  }

  const crossings: Crossing[] = []
  const cross = (bar: TimeBar | undefined, point: Crossing['point'], at: number | null): void => {
    if (!bar || at === null) return
    const isInside = at >= bar.from - TOLERANCE_MS && at <= bar.to + TOLERANCE_MS
    crossings.push({ of: bar.of, point, at, isInside })
  }
  cross(leaf, 'compiled', compiled)
  cross(leaf, 'claimed', claimed)
  cross(stampLeaf, 'claimed', claimed)

  const all = [...known, RULE_DAY]
  const low = Math.min(...all)
  const high = Math.max(...all)
  const pad = Math.max((high - low) * 0.06, 30 * TOLERANCE_MS)

  const moments = [
    ...(image?.compiled
      ? [{ at: ms(image.compiled), time: utc(image.compiled), text: 'the file was compiled' }]
      : []),
    ...(stamp
      ? [
          {
            at: ms(stamp.time),
            time: utc(stamp.time),
            text: `claimed time of signing, ${stamp.kind === 'pkcs9' ? 'PKCS#9' : 'RFC 3161'}`,
          },
        ]
      : []),
    {
      at: RULE_DAY,
      time: '2015-07-29',
      text: 'rule: since then new drivers need a signature by Microsoft',
    },
    ...momentsOf(signature?.chain ?? [], 'signer'),
    ...momentsOf(stamp?.chain ?? [], 'time stamp'),
  ].sort((a, b) => a.at - b.at)

  return {
    domain: { from: low - pad, to: high + pad },
    points,
    bars: [...signer, ...stampBars],
    gaps,
    crossings,
    moments,
  }
}

/** A line of the picture: a point in time, or the validity of a certificate. */
export interface TimeRow {
  key: string
  label: string
  title: string
  bar: TimeBar | null
}

/**
 * The lines from top to bottom: compiled, signer and its issuers, claimed signing, stamp and its.
 * @param leavesOnly  where there is little room, issuers are left to the table
 */
export function rowsOf({ points, bars }: Times, leavesOnly = false): TimeRow[] {
  const validity = (of: TimeBar['of'], leaf: string): TimeRow[] =>
    bars
      .filter((bar) => bar.of === of && (!leavesOnly || bar.depth === 0))
      .map((bar) => ({
        key: bar.key,
        label: bar.depth === 0 ? leaf : bar.label,
        title: bar.label,
        bar,
      }))
  const point = (id: TimePoint['id'], label: string): TimeRow[] =>
    points.some((item) => item.id === id) ? [{ key: id, label, title: label, bar: null }] : []
  return [
    ...point('compiled', 'Compiled'),
    ...validity('signer', 'Signer'),
    ...point('claimed', 'Claimed signing'),
    ...validity('stamp', 'Time stamp'),
  ]
}

/** Height of a line in rem: issuers are drawn thin, so that a long chain leaves the axis in sight. */
export const rowHeight = ({ bar }: TimeRow): number => ((bar?.depth ?? 0) > 0 ? 1.15 : 1.6)

/** Where a time lies, 0 at the left end of the axis and 1 at the right; outside beyond both. */
export const placeOf = ({ from, to }: Domain, at: number): number => (at - from) / (to - from)

/** The time under a place. */
export const timeAt = ({ from, to }: Domain, place: number): number => from + place * (to - from)

const YEAR_MS = 365.2425 * 86_400_000
const MONTH_STEPS = [1, 2, 3, 6]
const YEAR_STEPS = [1, 2, 5, 10, 20, 50, 100]

/** Round years, or months on a short axis; at most `most` of them. */
export function ticks({ from, to }: Domain, most: number): { at: number; label: string }[] {
  const years = (to - from) / YEAR_MS
  const found: { at: number; label: string }[] = []
  const first = new Date(from)
  const monthStep = MONTH_STEPS.find((step) => (years * 12) / step <= most)
  if (monthStep !== undefined && years < 4) {
    for (let month = first.getUTCMonth() + first.getUTCFullYear() * 12; ; month++) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1)
      if (at > to) break
      if (at >= from && month % monthStep === 0)
        found.push({ at, label: new Date(at).toISOString().slice(0, 7) })
    }
    return found
  }
  const step = YEAR_STEPS.find((size) => years / size <= most) ?? 1000
  for (let year = Math.ceil(first.getUTCFullYear() / step) * step; ; year += step) {
    const at = Date.UTC(year, 0, 1)
    if (at > to) break
    if (at >= from) found.push({ at, label: String(year) })
  }
  return found
}
