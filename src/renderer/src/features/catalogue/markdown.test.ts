import { mount } from '@vue/test-utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FOLLOW } from './inline-text'
import MarkdownText from './markdown-text'
import { parseInline, parseMarkdown, type Block, type Inline } from './markdown'

const html = (text: string): string => mount(MarkdownText, { props: { text } }).html({ raw: true })

describe('markdown', () => {
  test.each([
    ['# Title', '<h4>Title</h4>'],
    ['a **b** *c* `d`', '<p>a <strong>b</strong> <em>c</em> <code>d</code></p>'],
    ['**a *b* c**', '<p><strong>a <em>b</em> c</strong></p>'],
    ['- one\n- two\n  more', '<ul><li>one</li><li>two more</li></ul>'],
    ['3. x\n4. y', '<ol start="3"><li>x</li><li>y</li></ol>'],
    ['- [x] done\n- [ ] not', '<ul><li>☑ done</li><li>☐ not</li></ul>'],
    [
      '```ts\n**x**\n```',
      '<pre tabindex="0" role="group" aria-label="Code"><code>**x**</code></pre>',
    ],
    [
      '```\na\n```b\n```',
      '<pre tabindex="0" role="group" aria-label="Code"><code>a\n```b</code></pre>',
    ],
    ['> a\n> b', '<blockquote><p>a\nb</p></blockquote>'],
    ['a\n\n---\n\nb', '<p>a</p><hr><p>b</p>'],
    ['IRP_MJ_CREATE and snake_case_word', '<p>IRP_MJ_CREATE and snake_case_word</p>'],
    [
      '| a | b |\n| --- | :-: |\n| `c` | d \\| e |\nx',
      '<div class="table" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td><code>c</code></td><td>d | e</td></tr></tbody></table></div><p>x</p>',
    ],
    ['| no table |', '<p>| no table |</p>'],
    ['`**`', '<p><code>**</code></p>'],
    ['2 * 3 * 4', '<p>2 * 3 * 4</p>'],
    ['', ''],
  ])('%j', (text, expected) => expect(html(text)).toBe(`<div class="markdown">${expected}</div>`))

  test('HTML in notes is text, and links go nowhere', () => {
    const page = html('<img src=x onerror=alert(1)> [x](javascript:alert(1)) [y](https://e.org/)')
    expect(page).not.toMatch(/<img|<a[ >]|href=/)
    expect(page).toContain('&lt;img')
    expect(page).toContain('(javascript:alert(1))')
  })

  test('where a pane follows links they are links, to addresses and lessons only', async () => {
    const followed: string[] = []
    const text = '- [y](https://e.org/)\n- [z](lesson:27-cross-view)\n- [x](javascript:alert(1))'
    const provide = { [FOLLOW as symbol]: (href: string) => void followed.push(href) }
    const page = mount(MarkdownText, { props: { text }, global: { provide } })
    const links = page.findAll('a')
    expect(links.map((link) => link.text())).toEqual(['y', 'z'])
    for (const link of links) await link.trigger('click')
    expect(followed).toEqual(['https://e.org/', 'lesson:27-cross-view'])
  })

  const inlineText = (part: Inline): string =>
    'text' in part ? part.text : part.children.map(inlineText).join('')
  const blockText = (block: Block): string => {
    switch (block.kind) {
      case 'code':
        return `${block.info}\n${block.text}`
      case 'rule':
        return ''
      case 'quote':
        return block.children.map(blockText).join('\n')
      case 'table':
        return [block.head, ...block.rows].flat(2).map(inlineText).join('')
      case 'list':
        return block.items.map((item) => item.children.map(inlineText).join('')).join('\n')
      default:
        return block.children.map(inlineText).join('')
    }
  }

  test('no letter of any text is lost or doubled', () => {
    const pieces = fc.constantFrom(
      '*',
      '**',
      '_',
      '`',
      '```\n',
      '#',
      ' ',
      '\n',
      '- ',
      '> ',
      '[x](y)',
      '1. ',
      'a',
      'b',
      '0',
      '~~~\n',
      '(',
      ')',
    )
    const letters = (text: string): string =>
      [...text.replace(/[^\p{L}]/gu, '')].toSorted().join('')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const text = parts.join('')
        expect(letters(parseMarkdown(text).map(blockText).join('\n'))).toBe(letters(text))
      }),
      { numRuns: 2000 },
    )
  })

  test('deep or long texts end, and soon', () => {
    expect(() => parseMarkdown('> '.repeat(5000) + 'x')).not.toThrow()
    const started = performance.now()
    parseInline('*a '.repeat(3000))
    parseInline('`'.repeat(3000))
    parseInline('[a]('.repeat(2000))
    expect(performance.now() - started).toBeLessThan(60_000)
  })
})
