import { describe, expect, it } from 'vitest'
import { emptyState, type DeviceState } from '../../../../shared/trace/fold'
import { deviceStacks, poolByTag } from './device-stacks'

const device = (name: string, attachedTo: string | null = null): DeviceState => ({
  device: name,
  name: `\\Device\\${name}`,
  owner: name,
  attachedTo,
  stackSize: 1,
  flags: 0,
  extension: 0,
})

describe('deviceStacks', () => {
  it('puts each device above what it is attached to, and links to their stack', () => {
    const state = emptyState()
    state.devices = [device('toy'), device('other'), device('filter', 'toy')]
    state.links = [{ link: '\\DosDevices\\Toy', target: '\\Device\\toy' }]
    expect(
      deviceStacks(state).map((stack) => [stack.devices.map((item) => item.device), stack.links]),
    ).toEqual([
      [['other'], []],
      [['filter', 'toy'], ['\\DosDevices\\Toy']],
    ])
  })

  it('ends where devices are attached in a circle', () => {
    const state = emptyState()
    state.devices = [device('top', 'a'), device('a', 'b'), device('b', 'a')]
    expect(deviceStacks(state)[0]!.devices.map((item) => item.device)).toEqual(['top', 'a', 'b'])
  })
})

describe('poolByTag', () => {
  it('adds up blocks in use and remembers freed ones', () => {
    const state = emptyState()
    const block = {
      block: '0x1',
      bytes: 16,
      tag: 'Toy1',
      pool: 'nonpaged',
      allocatedAt: 1,
      freedAt: null,
      at: null,
    } as const
    state.pool.blocks = [
      block,
      { ...block, block: '0x2', bytes: 48 },
      { ...block, block: '0x3', tag: 'Big ', bytes: 4096 },
    ]
    state.pool.recentlyFreed = [{ ...block, block: '0x4', tag: 'Gone', freedAt: 9 }]
    expect(poolByTag(state).map((tag) => [tag.tag, tag.bytes, tag.blocks, tag.freed])).toEqual([
      ['Big ', 4096, 1, 0],
      ['Toy1', 64, 2, 0],
      ['Gone', 0, 0, 1],
    ])
  })
})
