/** Things with paths as a tree, with the places that nobody made but that have things in them. */

export interface Branch<T> {
  path: string
  /** What it is called where it stands. */
  name: string
  depth: number
  /** How many stand directly below. */
  below: number
  /** Nothing for a place in between. */
  item: T | null
}

interface Node<T> {
  items: T[]
  below: Map<string, Node<T>>
  path: string
  /** Last part of the path. */
  part: string
}

/**
 * Depth first, siblings by name.
 * @param pathOf  path with backslashes, which begins with one
 * @param merge   make one of a place in between and the only thing below it
 */
export function treeOf<T>(
  items: readonly T[],
  pathOf: (item: T) => string,
  merge = false,
): Branch<T>[] {
  const root: Node<T> = { items: [], below: new Map(), path: '', part: '' }
  for (const item of items) {
    let node = root
    for (const part of pathOf(item).split('\\').filter(Boolean)) {
      const key = part.toUpperCase()
      let next = node.below.get(key)
      if (!next)
        node.below.set(
          key,
          (next = { items: [], below: new Map(), path: `${node.path}\\${part}`, part }),
        )
      node = next
    }
    node.items.push(item)
  }
  const branches: Branch<T>[] = []
  // A list of one's own in place of recursion: a hostile name can be very deep.
  const open = children(root).map((node) => ({ node, depth: 0, name: `\\${node.part}` }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, depth, name } = next
    const { path, below } = node
    if (merge && node.items.length === 0 && below.size === 1) {
      const [only] = below.values()
      open.push({ node: only!, depth, name: `${name}\\${only!.part}` })
      continue
    }
    for (const item of node.items.length ? node.items : [null])
      branches.push({ path, name, depth, below: below.size, item })
    for (const child of children(node))
      open.push({ node: child, depth: depth + 1, name: child.part })
  }
  return branches
}

/** Last one first, to be taken from the end. */
function children<T>(node: Node<T>): Node<T>[] {
  return [...node.below.entries()].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, child]) => child)
}
