/** One line of Markdown as elements: code words, emphasis and links, no blocks. */
import { defineComponent, h, type VNodeChild } from 'vue'
import { parseInline, type Inline } from './markdown'

/** What stands inside a block, as children of it. */
export const inline = (parts: readonly Inline[]): VNodeChild[] =>
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

export default defineComponent({
  name: 'InlineText',
  props: { text: { type: String, required: true } },
  setup: (props) => () => h('span', { class: 'inline' }, inline(parseInline(props.text))),
})
