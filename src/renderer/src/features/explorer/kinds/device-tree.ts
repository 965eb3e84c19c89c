/** The device tree, parents before their children. */
import type { MachineState } from '../../../../../shared/trace/fold'
import type { DevNodeView } from '../../../../../shared/trace/fold-pnp'
import { lookUp } from '../look-up'
import { code, said, type KindRows, type Row } from '../row'

/** `Started` of `DeviceNodeStarted`. */
const stateWords = (state: string): string => state.replace(/^DeviceNode/, '')

/** Nodes with their depth, in the order of the tree. */
function inOrder(
  nodes: readonly DevNodeView[],
  parent: string | null,
  depth: number,
): { node: DevNodeView; depth: number }[] {
  return nodes
    .filter((node) => node.parent === parent)
    .flatMap((node) => [{ node, depth }, ...inOrder(nodes, node.devnode, depth + 1)])
}

/** A row for each device: where it is in the tree, what serves it, how it is. */
function nodeRow(state: MachineState, node: DevNodeView, depth: number): Row {
  const look = lookUp(state)
  const how = node.problem ? `code ${node.problem.code}` : stateWords(node.state)
  return {
    id: node.devnode,
    title: node.description ?? node.devnode,
    about: node.power === null ? how : `${how}, ${node.power}`,
    depth,
    words: [node.devnode],
    fields: [
      code('Path', node.devnode),
      code('State', node.state),
      ...(node.problem
        ? [code('Problem', `${node.problem.name} (code ${node.problem.code})`)]
        : []),
      said('Power', node.power ?? 'not said'),
      node.service === null ? said('Driver', 'none') : look.driver('Driver', node.service),
      look.devices.has(node.pdo)
        ? look.device('Physical device', node.pdo)
        : code('Physical device', node.pdo),
      node.parent === null
        ? said('Machine', state.power, { kind: 'machine', id: 'machine' })
        : code('On', node.parent, { kind: 'devnodes', id: node.parent }),
      ...state.interfaces
        .filter(({ devnode }) => devnode === node.devnode)
        .map(({ link }) => code('Interface', link, { kind: 'interfaces', id: link })),
    ],
  }
}

export const devnodes: KindRows = {
  count: (state) => state.devnodes.length,
  rows: (state) =>
    inOrder(state.devnodes, null, 0).map(({ node, depth }) => nodeRow(state, node, depth)),
}
