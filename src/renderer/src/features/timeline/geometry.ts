/** Where steps lie in the timeline, and how its view moves. */

export interface View {
  /** First and last step in sight. */
  from: number
  to: number
}

/** Fewer steps than this are not spread over the whole width. */
const SPAN_MIN = 12

/** Left edge of a step as a share of the width, 0..1 inside the view. */
export function shareOf(view: View, step: number): number {
  return (step - view.from) / (view.to - view.from + 1)
}

/** The step under a share of the width. */
export function stepAt(view: View, share: number): number {
  const steps = view.to - view.from + 1
  return view.from + Math.max(0, Math.min(steps - 1, Math.floor(share * steps)))
}

/** Keep a view inside a run of `total` steps. */
export function clampView(view: View, total: number): View {
  const size = Math.max(1, Math.min(total, Math.round(view.to - view.from + 1)))
  const from = Math.max(1, Math.min(total - size + 1, Math.round(view.from)))
  return { from, to: from + size - 1 }
}

/** Zoom by a factor (below 1 shows fewer steps) and keep the step at `share` where it is. */
export function zoomView(view: View, factor: number, share: number, total: number): View {
  const size = view.to - view.from + 1
  let next = Math.round(size * factor)
  if (next === size) next += factor < 1 ? -1 : 1
  next = Math.max(Math.min(SPAN_MIN, total), Math.min(total, next))
  const pivot = view.from + share * size
  const from = pivot - share * next
  return clampView({ from, to: from + next - 1 }, total)
}

/** Move a view so that a step is inside, with some steps around it. */
export function viewWith(view: View, step: number, total: number): View {
  if (step >= view.from && step <= view.to) return view
  const size = view.to - view.from + 1
  const wish = Math.round(step < view.from ? step - size * 0.2 : step - size * 0.8)
  const from = Math.max(step - size + 1, Math.min(step, wish))
  return clampView({ from, to: from + size - 1 }, total)
}
