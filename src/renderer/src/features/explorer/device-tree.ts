/** The device tree of a machine state as rows, parents before their children. */
import type { DevNodeView } from '../../../../shared/trace/fold-pnp'
import type { MachineState } from '../../../../shared/trace/fold'
import type { Row } from './explorer'

const INDENT = '  '

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
export function deviceTreeRows(state: MachineState): Row[] {
  return inOrder(state.devnodes, null, 0).map(({ node, depth }) => {
    const how = node.problem ? `code ${node.problem.code}` : stateWords(node.state)
    return {
      id: node.devnode,
      title: INDENT.repeat(depth) + (node.description ?? node.devnode),
      about: node.power === null ? how : `${how}, ${node.power}`,
      words: [node.devnode],
      fields: [
        { name: 'Path', value: node.devnode, mono: true },
        { name: 'State', value: node.state, mono: true },
        ...(node.problem
          ? [
              {
                name: 'Problem',
                value: `${node.problem.name} (code ${node.problem.code})`,
                mono: true,
              },
            ]
          : []),
        { name: 'Power', value: node.power ?? 'not said' },
        {
          name: 'Driver',
          value: node.service ?? 'none',
          mono: node.service !== null,
          ...toDriver(state, node),
        },
        {
          name: 'Physical device',
          value: node.pdo,
          mono: true,
          ...(state.devices.some(({ device }) => device === node.pdo)
            ? { to: { kind: 'devices' as const, id: node.pdo } }
            : {}),
        },
        ...(node.parent === null
          ? [{ name: 'Machine', value: state.power }]
          : [
              {
                name: 'On',
                value: node.parent,
                mono: true,
                to: { kind: 'devnodes' as const, id: node.parent },
              },
            ]),
        ...state.interfaces
          .filter(({ devnode }) => devnode === node.devnode)
          .map(({ link }) => ({ name: 'Interface', value: link, mono: true })),
      ],
    }
  })
}

function toDriver(
  state: MachineState,
  node: DevNodeView,
): { to?: { kind: 'drivers'; id: string } } {
  return node.service !== null && state.drivers.some(({ name }) => name === node.service)
    ? { to: { kind: 'drivers', id: node.service } }
    : {}
}
