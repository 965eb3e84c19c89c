/** One line of Markdown as elements: code words, emphasis and links, no blocks. */
import { defineComponent, h, inject, type InjectionKey, type VNodeChild } from 'vue'
import { parseInline, type Inline } from './markdown'

/** Opens a link of a text. */
export type Follow = (href: string) => void

/** Provided by a pane whose texts have links that lead somewhere; elsewhere addresses are only shown. */
export const FOLLOW: InjectionKey<Follow> = Symbol('follow')

/** What stands inside a block, as children of it. */
export const inline = (parts: readonly Inline[], follow?: Follow): VNodeChild[] =>
  parts.map((part) => {
    switch (part.kind) {
      case 'text':
        return part.text
      case 'code':
        return h('code', part.text)
      case 'link':
        return follow ? link(part, follow) : address(part)
      default:
        return h(part.kind, inline(part.children, follow))
    }
  })

type Link = Extract<Inline, { kind: 'link' }>

const link = ({ href, children }: Link, follow: Follow): VNodeChild =>
  h(
    'a',
    {
      href,
      title: href.startsWith('lesson:') ? 'Open this lesson' : `${href} (opens in the browser)`,
      onClick: (event: MouseEvent) => {
        event.preventDefault()
        follow(href)
      },
      onAuxclick: (event: MouseEvent) => event.preventDefault(),
    },
    inline(children),
  )

/** The window goes nowhere: the address is shown and can be copied. */
const address = ({ href, children }: Link): VNodeChild =>
  h('span', { class: 'address', title: href }, [
    ...inline(children),
    h('span', { class: 'href' }, ` (${href})`),
  ])

export default defineComponent({
  name: 'InlineText',
  props: { text: { type: String, required: true } },
  setup(props) {
    const follow = inject(FOLLOW, undefined)
    return () => h('span', { class: 'inline' }, inline(parseInline(props.text), follow))
  },
})
