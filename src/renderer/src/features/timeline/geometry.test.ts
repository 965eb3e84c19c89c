import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clampView, shareOf, stepAt, viewWith, zoomView } from './geometry'

const views = fc
  .tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(), fc.nat())
  .map(([total, a, b]) => {
    const from = 1 + (a % total)
    return { total, view: { from, to: from + (b % (total - from + 1)) } }
  })

describe('the view of the timeline', () => {
  it('stays inside the run whatever is done to it', () => {
    fc.assert(
      fc.property(
        views,
        fc.double({ min: 0.05, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        ({ total, view }, factor, share, pick) => {
          const step = 1 + (pick % total)
          for (const next of [
            zoomView(view, factor, share, total),
            viewWith(view, step, total),
            clampView({ from: view.from - 5000, to: view.to - 5000 }, total),
          ]) {
            expect(next.from).toBeGreaterThanOrEqual(1)
            expect(next.to).toBeLessThanOrEqual(total)
            expect(next.to).toBeGreaterThanOrEqual(next.from)
          }
          const shown = viewWith(view, step, total)
          expect(step).toBeGreaterThanOrEqual(shown.from)
          expect(step).toBeLessThanOrEqual(shown.to)
        },
      ),
    )
  })

  it('finds the step under the place where the step is drawn', () => {
    fc.assert(
      fc.property(views, fc.nat(), ({ view }, pick) => {
        const steps = view.to - view.from + 1
        const step = view.from + (pick % steps)
        expect(stepAt(view, shareOf(view, step) + 0.5 / steps)).toBe(step)
      }),
    )
  })

  it('keeps the step under the pointer while zooming in', () => {
    const view = { from: 1, to: 1000 }
    const before = stepAt(view, 0.25)
    const next = zoomView(view, 0.5, 0.25, 1000)
    expect(Math.abs(stepAt(next, 0.25) - before)).toBeLessThanOrEqual(1)
    expect(next.to - next.from + 1).toBe(500)
  })
})
