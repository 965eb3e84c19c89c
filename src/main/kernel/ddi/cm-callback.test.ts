import { describe, expect, test } from 'vitest'
import {
  REG_CREATE_KEY_INFORMATION,
  REG_POST_OPERATION_INFORMATION,
  REG_SET_VALUE_KEY_INFORMATION,
} from '../../../shared/nt/generated/offsets'
import { scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'

const DENIED = 0xc0000022
const BYPASS = 0xc0000503
const COLLISION = 0xc01c0011
const INVALID = 0xc000000d

function run(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
): TestMachine {
  const m = new TestMachine()
  m.driver('toy', {
    *DriverEntry(d) {
      yield* entry(d)
      return 0
    },
    ...functions,
  })
  m.main((k) => k.loader.load('toy'))
  m.run()
  expect(m.bugCheck).toBeNull()
  return m
}

interface Registered {
  status: number
  cookie: bigint
  at: number
}

const cookies: Registered[] = []

function* add(d: DriverApi, name: string, altitude: string | null): Code<number> {
  const at = scratch(d, 8)
  const status =
    altitude === null
      ? yield* d.ddi('CmRegisterCallback', d.fn(name), 0, at)
      : yield* d.ddi('CmRegisterCallbackEx', d.fn(name), d.string(altitude), 0, 0, at, 0)
  cookies.push({ status, cookie: d.k.memory.i64(at), at })
  return status
}

/** Open the driver's own service key; the handle. */
function* openKey(d: DriverApi): Code<number> {
  const attributes = scratch(d, 0x30)
  const path = d.string('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy')
  yield* d.ddi('InitializeObjectAttributes', attributes, path, 0x240, 0, 0)
  const handle = d.out()
  const status = yield* d.ddi('ZwOpenKey', handle, 0xf003f, attributes)
  return status === 0 ? Number(handle.value) : status
}

function* setStart(d: DriverApi, handle: number, value: number): Code<number> {
  const data = scratch(d, 4)
  d.k.memory.setU32(data, value)
  return yield* d.ddi('ZwSetValueKey', handle, d.string('Start'), 0, 4, data, 4)
}

const start = (m: TestMachine): number =>
  m.k.registry.key('\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\toy')!.value('Start')!
    .data[0]!

describe('registration', () => {
  test('altitudes are taken once; legacy ones have none; cookies are used once', () => {
    const results: number[] = []
    run({ *Callback() {} }, function* (d) {
      cookies.length = 0
      for (const altitude of ['100.5', '100.50', '100', 'x', null, null])
        results.push(yield* add(d, 'Callback', altitude))
      const [{ cookie }] = cookies as [Registered]
      results.push(yield* d.ddi('CmUnRegisterCallback', cookie))
      results.push(yield* d.ddi('CmUnRegisterCallback', cookie))
    })
    expect(results).toEqual([0, COLLISION, 0, INVALID, 0, 0, 0, INVALID])
  })

  test('the highest altitude is asked first and told last', () => {
    const order: string[] = []
    const say = (name: string): DriverFunction =>
      function* (_d, _context, kind) {
        order.push(`${name} ${kind}`)
      }
    run({ Low: say('low'), High: say('high'), Legacy: say('legacy') }, function* (d) {
      yield* add(d, 'Low', '1000')
      yield* add(d, 'Legacy', null)
      yield* add(d, 'High', '20000')
      const key = yield* openKey(d)
      order.length = 0
      yield* setStart(d, key, 3)
    })
    expect(order).toEqual(['high 1', 'low 1', 'legacy 1', 'legacy 16', 'low 16', 'high 16'])
  })
})

describe('before an operation', () => {
  test('an error keeps a value as it is, and is what the caller gets', () => {
    let status = 0
    const seen: unknown[] = []
    const m = run(
      {
        *Guard(d, _context, kind, info) {
          const { memory } = d.k
          if (kind !== 1) return 0
          const name = memory.ptr(info! + REG_SET_VALUE_KEY_INFORMATION.ValueName)
          const data = memory.ptr(info! + REG_SET_VALUE_KEY_INFORMATION.Data)
          seen.push(memory.text16(memory.ptr(name + 8), memory.u16(name)), memory.u32(data))
          return DENIED
        },
      },
      function* (d) {
        yield* add(d, 'Guard', '320000')
        status = yield* setStart(d, yield* openKey(d), 4)
      },
    )
    expect(seen).toEqual(['Start', 4])
    expect(status).toBe(DENIED)
    expect(start(m)).toBe(3)
  })

  test('STATUS_CALLBACK_BYPASS is success for the caller, and nothing is done', () => {
    let status = -1
    const m = run(
      {
        *Guard(_d, _context, kind) {
          return kind === 1 ? BYPASS : 0
        },
      },
      function* (d) {
        yield* add(d, 'Guard', '320000')
        status = yield* setStart(d, yield* openKey(d), 4)
      },
    )
    expect(status).toBe(0)
    expect(start(m)).toBe(3)
  })

  test('a key that must not be opened is not opened; its name is told', () => {
    const names: string[] = []
    let result = 0
    run(
      {
        *Guard(d, _context, kind, info) {
          if (kind !== 28) return 0
          const { memory } = d.k
          const name = memory.ptr(info! + REG_CREATE_KEY_INFORMATION.CompleteName)
          names.push(memory.text16(memory.ptr(name + 8), memory.u16(name)))
          return DENIED
        },
      },
      function* (d) {
        yield* add(d, 'Guard', '320000')
        result = yield* openKey(d)
      },
    )
    expect(names).toEqual(['\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy'])
    expect(result).toBe(DENIED)
  })
})

describe('after an operation', () => {
  test('STATUS_CALLBACK_BYPASS replaces the status; the context comes from before', () => {
    let status = 0
    const contexts: number[] = []
    run(
      {
        *Guard(d, _context, kind, info) {
          const { memory } = d.k
          if (kind === 1)
            memory.setPtr(info! + REG_SET_VALUE_KEY_INFORMATION.CallContext, scratchMark)
          if (kind !== 16) return 0
          contexts.push(memory.ptr(info! + REG_POST_OPERATION_INFORMATION.CallContext))
          memory.setU32(info! + REG_POST_OPERATION_INFORMATION.ReturnStatus, DENIED)
          return BYPASS
        },
      },
      function* (d) {
        scratchMark = scratch(d, 16)
        yield* add(d, 'Guard', '320000')
        status = yield* setStart(d, yield* openKey(d), 4)
      },
    )
    expect(status).toBe(DENIED)
    expect(contexts).toEqual([scratchMark])
  })

  /** The result of opening the service key under a callback that is told of it afterwards. */
  const opened = (
    after: (d: DriverApi, post: number, pre: number) => Code<number>,
    path = '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy',
  ): { status: number; query: number; m: TestMachine } => {
    const result = { status: -1, query: -1 }
    const m = run(
      {
        *Guard(d, _context, kind, info) {
          if (kind !== 29) return 0
          return yield* after(
            d,
            info!,
            d.k.memory.ptr(info! + REG_POST_OPERATION_INFORMATION.PreInformation),
          )
        },
      },
      function* (d) {
        yield* add(d, 'Guard', '320000')
        const attributes = scratch(d, 0x30)
        yield* d.ddi('InitializeObjectAttributes', attributes, d.string(path), 0x240, 0, 0)
        const handle = d.out()
        result.status = yield* d.ddi('ZwOpenKey', handle, 0x20019, attributes)
        if (result.status !== 0) return
        result.query = yield* d.ddi('ZwQueryKey', Number(handle.value), 0, 0, 0, d.out())
        yield* d.ddi('ZwClose', Number(handle.value))
      },
    )
    return { ...result, m }
  }
  const keys = (m: TestMachine): number =>
    [...m.k.ob.all()].filter(({ type }) => type.name === 'Key').length

  test('an opened key is told with its object, its rights and its disposition', () => {
    const seen: unknown[] = []
    const { status, m } = opened(function* (d, post, pre) {
      const { memory } = d.k
      const object = memory.ptr(post)
      const id = d.out()
      seen.push(
        object !== 0,
        object === memory.ptr(memory.ptr(pre + REG_CREATE_KEY_INFORMATION.ResultObject)),
        memory.u32(pre + REG_CREATE_KEY_INFORMATION.GrantedAccess),
        memory.u32(memory.ptr(pre + REG_CREATE_KEY_INFORMATION.Disposition)),
        yield* d.ddi('CmCallbackGetKeyObjectIDEx', cookies.at(-1)!.at, object, id, null, 0),
      )
      return 0
    })
    expect(status).toBe(0)
    expect(seen).toEqual([true, true, 0x20019, 2, 0])
    expect(keys(m)).toBe(1)
  })

  test('success made an error: the callback drops the object, the caller gets no handle', () => {
    const { status, m } = opened(function* (d, post, pre) {
      const { memory } = d.k
      yield* d.ddi('ObDereferenceObject', memory.ptr(post))
      memory.setPtr(memory.ptr(pre + REG_CREATE_KEY_INFORMATION.ResultObject), 0)
      memory.setU32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus, DENIED)
      return BYPASS
    })
    expect(status).toBe(DENIED)
    expect(keys(m)).toBe(1)
  })

  test('ReturnStatus without STATUS_CALLBACK_BYPASS is not looked at', () => {
    const { status, query } = opened(function* (d, post) {
      d.k.memory.setU32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus, DENIED)
      return 0
    })
    expect([status, query]).toEqual([0, 0xc0000023])
  })

  test('an error made success wants a key object of the callback', () => {
    const missing = '\\Registry\\Machine\\Nowhere'
    const nothing = opened(function* (d, post) {
      expect(d.k.memory.ptr(post)).toBe(0)
      d.k.memory.setU32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus, 0)
      return BYPASS
    }, missing)
    expect(nothing.status).toBe(0xc0000034)
    const given = opened(function* (d, post, pre) {
      const { memory } = d.k
      const key = d.k.registry.open('\\Registry\\Machine\\System') as { address: number }
      memory.setPtr(memory.ptr(pre + REG_CREATE_KEY_INFORMATION.ResultObject), key.address)
      memory.setU32(pre + REG_CREATE_KEY_INFORMATION.GrantedAccess, 0x20019)
      memory.setU32(post + REG_POST_OPERATION_INFORMATION.ReturnStatus, 0)
      return BYPASS
    }, missing)
    expect([given.status, given.query]).toEqual([0, 0xc0000023])
    expect(keys(given.m)).toBe(1)
  })

  test('a handle that is closed is told of, and a key has a name and a number', () => {
    const closed: unknown[] = []
    run(
      {
        *Guard(d, _context, kind, info) {
          if (kind !== 14) return 0
          const id = d.out()
          const name = d.out()
          const object = d.k.memory.ptr(info!)
          const status = yield* d.ddi(
            'CmCallbackGetKeyObjectIDEx',
            cookies.at(-1)!.at,
            object,
            id,
            name,
            0,
          )
          const at = Number(name.value)
          closed.push(status, d.k.memory.text16(d.k.memory.ptr(at + 8), d.k.memory.u16(at)))
          expect(BigInt(id.value)).toBeGreaterThan(0n)
          yield* d.ddi('CmCallbackReleaseKeyObjectIDEx', at)
          return 0
        },
      },
      function* (d) {
        yield* add(d, 'Guard', '320000')
        yield* d.ddi('ZwClose', yield* openKey(d))
      },
    )
    expect(closed).toEqual([0, '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\toy'])
  })
})

let scratchMark = 0
