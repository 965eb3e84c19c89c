/** Markdown as elements; text goes in as text nodes, so there is nothing to escape. */
import { defineComponent, h, inject, type VNode, type VNodeChild } from 'vue'
import { FOLLOW, inline, type Follow } from './inline-text'
import { parseMarkdown, type Block, type Inline } from './markdown'

function block(item: Block, level: number, follow?: Follow): VNode {
  const words = (parts: readonly Inline[]): VNodeChild[] => inline(parts, follow)
  switch (item.kind) {
    case 'heading':
      return h(`h${Math.min(6, item.level + level)}`, words(item.children))
    case 'paragraph':
      return h('p', words(item.children))
    case 'code':
      // What is too wide is scrolled, by keyboard too.
      return h('pre', { tabindex: 0, role: 'group', 'aria-label': 'Code' }, [h('code', item.text)])
    case 'rule':
      return h('hr')
    case 'quote':
      return h(
        'blockquote',
        item.children.map((child) => block(child, level, follow)),
      )
    case 'table':
      return h('div', { class: 'table', tabindex: 0, role: 'group', 'aria-label': 'Table' }, [
        h('table', [
          h(
            'thead',
            h(
              'tr',
              item.head.map((cell) => h('th', { scope: 'col' }, words(cell))),
            ),
          ),
          h(
            'tbody',
            item.rows.map((row) =>
              h(
                'tr',
                row.map((cell) => h('td', words(cell))),
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
          h('li', [done === null ? '' : done ? '☑ ' : '☐ ', ...words(children)]),
        ),
      )
  }
}

export default defineComponent({
  name: 'MarkdownText',
  props: {
    text: { type: String, required: true },
    /** Level of the heading that the text stands below; a pane's own are 2 and 3. */
    level: { type: Number, default: 3 },
  },
  setup(props) {
    const follow = inject(FOLLOW, undefined)
    return () =>
      h(
        'div',
        { class: 'markdown' },
        parseMarkdown(props.text).map((item) => block(item, props.level, follow)),
      )
  },
})
