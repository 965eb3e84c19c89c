/** A union of shapes whose errors are those of the one shape that was meant. */
import { z } from 'zod'

/**
 * Zod says of a value that fits no member of a union what each member has against it. Here the
 * member is chosen first, so that what is wrong is said once and at its place.
 * @param union   what it is when it is right; JSON Schema (`io: 'output'`) shows this
 * @param choose  the member that a value was meant to be; a sentence when it looks like none
 */
export function oneOf<T extends z.ZodType>(
  union: T,
  choose: (value: unknown) => z.ZodType | string,
): z.ZodPipe<z.ZodUnknown, T> {
  return z
    .unknown()
    .superRefine((value, ctx) => {
      const member = choose(value)
      if (typeof member === 'string') {
        ctx.addIssue({ code: 'custom', message: member })
        return
      }
      const { error } = member.safeParse(value)
      for (const { path, message } of error?.issues ?? [])
        ctx.addIssue({ code: 'custom', path: [...path], message })
    })
    .pipe(union)
}
