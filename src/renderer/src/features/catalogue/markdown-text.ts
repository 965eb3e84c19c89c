/** Markdown as elements; text goes in as text nodes, so there is nothing to escape. */
import { defineComponent, h, type VNode, type VNodeChild } from 'vue'
import { parseMarkdown, type Block, type Inline } from './markdown'

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

function block(item: Block): VNode {
  switch (item.kind) {
    case 'heading':
      // The pane's own headings are level 2 and 3.
      return h(`h${Math.min(6, item.level + 3)}`, inline(item.children))
    case 'paragraph':
      return h('p', inline(item.children))
    case 'code':
      return h('pre', h('code', item.text))
    case 'rule':
      return h('hr')
    case 'quote':
      return h('blockquote', item.children.map(block))
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
  props: { text: { type: String, required: true } },
  setup: (props) => () => h('div', { class: 'markdown' }, parseMarkdown(props.text).map(block)),
})
