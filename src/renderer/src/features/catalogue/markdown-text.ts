/** Markdown as elements; text goes in as text nodes, so there is nothing to escape. */
import { defineComponent, h, type VNode } from 'vue'
import { inline } from './inline-text'
import { parseMarkdown, type Block } from './markdown'

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
