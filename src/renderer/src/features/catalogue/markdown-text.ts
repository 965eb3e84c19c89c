/** Markdown as elements; text goes in as text nodes, so there is nothing to escape. */
import { defineComponent, h, type VNode, type VNodeChild } from 'vue'
import { parseInline, parseMarkdown, type Block, type Inline } from './markdown'

const inline = (parts: readonly Inline[]): VNodeChild[] =>
  parts.map((part) => {
    switch (part.kind) {
      case 'text':
        return part.text
      case 'code':
        return h('code', part.text)
      case 'link':
        // The window goes nowhere: the address is shown and can be copied.
        return h('span', { class: 'address', title: part.href }, [
          ...inline(part.children),
          h('span', { class: 'href' }, ` (${part.href})`),
        ])
      default:
        return h(part.kind, inline(part.children))
    }
  })

function block(item: Block, level: number): VNode {
  switch (item.kind) {
    case 'heading':
      return h(`h${Math.min(6, item.level + level)}`, inline(item.children))
    case 'paragraph':
      return h('p', inline(item.children))
    case 'code':
      return h('pre', h('code', item.text))
    case 'rule':
      return h('hr')
    case 'quote':
      return h(
        'blockquote',
        item.children.map((child) => block(child, level)),
      )
    case 'table':
      // What is too wide is scrolled, by keyboard too.
      return h('div', { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Table' }, [
        h('table', [
          h(
            'thead',
            h(
              'tr',
              item.head.map((cell) => h('th', { scope: 'col' }, inline(cell))),
            ),
          ),
          h(
            'tbody',
            item.rows.map((row) =>
              h(
                'tr',
                row.map((cell) => h('td', inline(cell))),
              ),
            ),
          ),
        ]),
      ])
    case 'list':
      return h(
        item.ordered ? 'ol' : 'ul',
        item.ordered ? { start: item.start } : {},
        item.items.map(({ done, children }) =>
          h('li', [done === null ? '' : done ? '☑ ' : '☐ ', ...inline(children)]),
        ),
      )
  }
}

/** One line: code words, emphasis and links, no blocks. */
export const InlineText = defineComponent({
  name: 'InlineText',
  props: { text: { type: String, required: true } },
  setup: (props) => () => h('span', { class: 'inline' }, inline(parseInline(props.text))),
})

export default defineComponent({
  name: 'MarkdownText',
  props: {
    text: { type: String, required: true },
    /** Level of the heading that the text stands below; a pane's own are 2 and 3. */
    level: { type: Number, default: 3 },
  },
  setup: (props) => () =>
    h(
      'div',
      { class: 'markdown' },
      parseMarkdown(props.text).map((item) => block(item, props.level)),
    ),
})
