import { describe, expect, test } from 'vitest'
import {
  STATUS_NAME_TOO_LONG,
  STATUS_REGISTRY_QUOTA_LIMIT,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { TestMachine } from '../testing/machine'
import { REGISTRY_BYTES_MAX, REGISTRY_DEPTH_MAX } from './quota'

const SERVICE = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\Toy'
const MEGABYTE = 1 << 20

function registry(): TestMachine['k']['registry'] {
  const { k } = new TestMachine()
  k.registry.createService('Toy')
  return k.registry
}

describe('a registry', () => {
  test('has a size: what does not fit is refused, and fits again when something goes', () => {
    const r = registry()
    const key = r.key(SERVICE)!
    const data = new Uint8Array(MEGABYTE)
    const set = (i: number): number => r.setValue(key, { name: `v${i}`, type: 3, data })
    const most = REGISTRY_BYTES_MAX / MEGABYTE
    const statuses = Array.from({ length: most }, (_, i) => set(i))
    expect(statuses.slice(0, -1)).toEqual(Array(most - 1).fill(STATUS_SUCCESS))
    expect(statuses.at(-1)).toBe(STATUS_REGISTRY_QUOTA_LIMIT)
    expect(key.value(`v${most - 1}`)).toBeUndefined()
    // The same again takes no more room.
    expect(set(0)).toBe(STATUS_SUCCESS)
    expect(r.deleteValue(key, 'v0')).toBe(STATUS_SUCCESS)
    expect([set(most), set(0)]).toEqual([STATUS_SUCCESS, STATUS_REGISTRY_QUOTA_LIMIT])
    r.deleteService('Toy')
    r.createService('Toy')
    expect(r.setValue(r.key(SERVICE)!, { name: 'v', type: 3, data })).toBe(STATUS_SUCCESS)
  })

  test('counts keys too', () => {
    const r = registry()
    const key = r.key(SERVICE)!
    const data = new Uint8Array(MEGABYTE)
    for (let i = 0; r.setValue(key, { name: `v${i}`, type: 3, data }) === STATUS_SUCCESS; i++);
    const rest = { name: 'rest', type: 3, data: new Uint8Array(MEGABYTE) }
    while (r.setValue(key, rest) !== STATUS_SUCCESS)
      rest.data = new Uint8Array(rest.data.length - 0x80)
    expect(r.ensure(`${SERVICE}\\Sub`)).toBe(STATUS_REGISTRY_QUOTA_LIMIT)
    expect(r.key(`${SERVICE}\\Sub`)).toBeUndefined()
  })

  test('is 512 keys deep', () => {
    const r = registry()
    let path = SERVICE
    let status: number = STATUS_SUCCESS
    while (status === STATUS_SUCCESS) status = r.ensure((path += '\\k'))
    expect(status).toBe(STATUS_NAME_TOO_LONG)
    expect(r.key(path.slice(0, -2))!.depth).toBe(REGISTRY_DEPTH_MAX)
  })
})
