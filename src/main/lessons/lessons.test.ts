/**
 * The lessons that ship: each can be read, its start is not solved and ends as announced, its
 * solution passes. `npm run unit -- src/main/lessons/lessons.test.ts -t 10-hello` runs one.
 */
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lessonAfter, readLibrary } from './library'
import { validateLesson } from './validate'

const { lessons, problems } = readLibrary([resolve(__dirname, '../../../samples/lessons')])

describe('the lessons', () => {
  test('can all be read', () => {
    expect(problems).toEqual([])
    expect(lessons.length).toBeGreaterThan(0)
  })

  test('have places of their own, and parts that are not torn apart', () => {
    const orders = lessons.map(({ order }) => order)
    expect(new Set(orders).size).toBe(orders.length)
    const parts = lessons.map(({ part }) => part)
    const runs = parts.filter((part, i) => part !== parts[i - 1])
    expect(runs).toEqual([...new Set(parts)])
  })

  test('name others that are there', () => {
    const slugs = lessons.map(({ slug }) => slug)
    for (const { sections } of lessons)
      for (const { text } of sections)
        for (const [, slug] of text.matchAll(/\]\(lesson:([^)]*)\)/g)) expect(slugs).toContain(slug)
  })

  test('lead to each other, from the first to the last', () => {
    const reached = new Set<string>()
    let slug: string | null = lessons[0]?.slug ?? null
    while (slug !== null && !reached.has(slug)) {
      reached.add(slug)
      slug = lessonAfter(
        lessons.find((lesson) => lesson.slug === slug)!,
        lessons,
      )
    }
    expect(slug).toBeNull()
    for (const { next } of lessons)
      if (next !== undefined) expect(lessons.map((lesson) => lesson.slug)).toContain(next)
  })
})

describe.each(lessons)('$slug', (lesson) => {
  test('is failed by its start and passed by its solution', async () => {
    const { problems, start, solution } = await validateLesson(lesson)
    expect(problems).toEqual([])
    expect(start?.points).toBeLessThan(start!.of)
    expect(solution?.points).toBe(solution!.of)
  })
})
