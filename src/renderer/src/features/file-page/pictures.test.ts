import { describe, expect, test } from 'vitest'
import { KIN_RELATIONS } from '../../../../shared/contract/files'
import { columnsOf, columnWords, partsOf } from './entropy'
import { layoutKin, walk } from './kin-layout'
import { orderMatrix, type MatrixCapability } from './matrix'
import { ferryDetail, kinOf } from './testing/details'

const ALL = new Set(KIN_RELATIONS)

describe('the map of entropy', () => {
  const facts = ferryDetail().facts!

  test('parts lie in the order of the file, the certificates last', () => {
    const parts = partsOf(facts.image, facts.size)
    expect(parts.map(({ name }) => name)).toEqual([
      ...['headers', '.text', '.data', '.rdata', '.pdata', '.xdata', '.edata', '.idata', '.rsrc'],
      'certificates',
    ])
    expect(parts.at(-1)).toMatchObject({ from: 0x1a00, to: 12_184 })
  })

  test('a section beyond the end of the file is cut at its end, or left out', () => {
    const image = structuredClone(facts.image!)
    image.sections[0]!.rawSize = 0x7fffffff
    image.sections[1]!.offset = 0x7ffffff0
    const parts = partsOf(image, facts.size)
    expect(Math.max(...parts.map(({ to }) => to))).toBe(facts.size)
    expect(parts.map(({ name }) => name)).not.toContain('.data')
  })

  test('many blocks become few columns, and the highest of them shows', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i === 7_777 ? 7.9 : 3))
    const columns = columnsOf({ blockSize: 256, values }, 2_560_000, 300)
    expect(columns.length).toBeLessThanOrEqual(300)
    expect(Math.max(...columns.map(({ value }) => value))).toBe(7.9)
    expect(columns.at(-1)!.to).toBe(2_560_000)
  })

  test('a column is told with its offsets, its part and its value', () => {
    const [first] = columnsOf(facts.entropy, facts.size, 1000)
    expect(columnWords(first!, partsOf(facts.image, facts.size))).toMatch(
      /^0x0 to 0xFF, headers: \d\.\d\d bits per byte$/,
    )
  })
})

describe('kin', () => {
  test('the same kin always look alike, in whatever order they come', () => {
    const kin = kinOf(60)
    const [center, ...others] = kin.files
    const shuffled = {
      ...kin,
      files: [center!, ...others.toReversed()],
      groups: kin.groups
        .toReversed()
        .map((group) => ({ ...group, files: group.files.toReversed() })),
    }
    expect(layoutKin(shuffled, ALL)).toEqual(layoutKin(kin, ALL))
  })

  test('every file stands once, behind the hub of its closest relation', () => {
    const layout = layoutKin(kinOf(80), ALL)!
    const ids = layout.files.map(({ row }) => row.id)
    expect(new Set(ids).size).toBe(ids.length)
    const first = layout.files.find(({ row }) => row.id === 100)!
    expect(first.hubs.map((key) => key.split(' ')[0])).toEqual(['authentihash', 'signer'])
    expect(first.home).toBe(first.hubs[0])
  })

  test('the names of 200 files keep clear of each other', () => {
    const { files, radius } = layoutKin(kinOf(199), ALL)!
    const angles = files.map(({ angle }) => angle).toSorted((a, b) => a - b)
    const nearest = Math.min(...angles.slice(1).map((angle, i) => angle - angles[i]!))
    expect(nearest * radius).toBeGreaterThan(12)
  })

  test('a relation that is filtered out takes its hub and its files along', () => {
    const layout = layoutKin(kinOf(40), new Set(['tlsh'] as const))!
    expect(layout.hubs.map(({ relation }) => relation)).toEqual(['tlsh'])
    expect(layout.files.every(({ distance }) => distance !== null)).toBe(true)
    expect(layout.files.map(({ distance }) => distance)).toEqual(
      layout.files.map(({ distance }) => distance).toSorted((a, b) => a! - b!),
    )
  })

  test('the keyboard goes out, round and back in', () => {
    const layout = layoutKin(kinOf(24), ALL)!
    const hub = walk(layout, 'center', 'out')
    expect(hub).toBe(layout.hubs[0]!.key)
    const file = walk(layout, hub, 'out')
    expect(file).toMatch(/^file \d+$/)
    expect(walk(layout, walk(layout, file, 'next'), 'previous')).toBe(file)
    expect(walk(layout, file, 'in')).toBe(hub)
    expect(walk(layout, hub, 'in')).toBe('center')
  })

  test('a file without kin stands alone', () => {
    const kin = kinOf(0)
    expect(layoutKin({ ...kin, groups: [] }, ALL)).toMatchObject({ hubs: [], files: [] })
  })
})

describe('the capability matrix', () => {
  const capability = (id: string, axis: MatrixCapability['axis']): MatrixCapability => ({
    id,
    name: id,
    axis,
    attack: [],
    references: [],
    description: '',
    baseRate: null,
  })
  const capabilities = [
    capability('kill', 'telemetry'),
    capability('msr', 'hardware'),
    capability('map', 'hardware'),
    capability('never', 'hardware'),
  ]
  const file = (id: number, ...has: string[]) => ({
    row: { id, name: `f${id}.sys` },
    capabilities: has,
  })
  const files = [
    file(1, 'kill'),
    file(2, 'map'),
    file(3, 'kill'),
    file(4, 'map', 'msr'),
    file(5, 'map'),
  ]

  test('hardware first, the common before the rare, the unseen left out', () => {
    const { rows } = orderMatrix(capabilities, files)
    expect(rows.map((row) => `${row.capability.id} ${row.count}`)).toEqual([
      'map 3',
      'msr 1',
      'kill 2',
    ])
  })

  test('files with equal capabilities stand together, and groups are counted', () => {
    const { columns, groups } = orderMatrix(capabilities, files)
    expect(columns.map((column) => column.file.row.id)).toEqual([4, 2, 5, 1, 3])
    expect(columns.map(({ startsGroup }) => startsGroup)).toEqual([false, true, false, true, false])
    expect(groups).toBe(3)
  })

  test('the order does not depend on the order of asking', () => {
    const back = orderMatrix(capabilities.toReversed(), files.toReversed())
    expect(back).toEqual(orderMatrix(capabilities, files))
  })
})
