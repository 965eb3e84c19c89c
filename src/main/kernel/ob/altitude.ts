/** Altitudes: decimal numbers as text that order callbacks; the highest one is asked first. */

/** Whether a text is an altitude: digits, with or without a fraction. */
export function isAltitude(text: string): boolean {
  return /^\d{1,64}(?:\.\d{1,64})?$/.test(text)
}

/** Without leading and trailing zeros that say nothing. */
function parts(text: string): [whole: string, fraction: string] {
  const [whole = '', fraction = ''] = text.split('.')
  return [whole.replace(/^0+(?=\d)/, ''), fraction.replace(/0+$/, '')]
}

/** Negative when `a` is lower than `b`, 0 when they are the same altitude. */
export function compareAltitudes(a: string, b: string): number {
  const [wholeA, fractionA] = parts(a)
  const [wholeB, fractionB] = parts(b)
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length
  if (wholeA !== wholeB) return wholeA < wholeB ? -1 : 1
  return fractionA === fractionB ? 0 : fractionA < fractionB ? -1 : 1
}
