/** KMDF drivers that keep requests: queues of their own, cancellation, timers, DPCs and wait locks. */
import { describe, expect, test } from 'vitest'
import { control, ECHO, runKmdf, SEQUENTIAL } from './testing/kmdf'

const PARALLEL = 'WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, WdfIoQueueDispatchParallel)'

/** The client starts two requests and cancels the first; `end` is what it does then. */
const twoAnd = (end: string): string => `
export function main(): number {
  const device = CreateFile('\\\\\\\\.\\\\Kmdf', GENERIC_READ, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, null)
  const first = local(OVERLAPPED)
  const second = local(OVERLAPPED)
  const third = local(OVERLAPPED)
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, null, first)
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, null, second)
  CancelIoEx(device, first)
  printf('%x %x\\n', first.Internal, second.Internal)
  ${end}
  printf('%x %x %x\\n', first.Internal, second.Internal, third.Internal)
  return 0
}`

/** Its third request is what makes the driver complete the second. */
const TWO = twoAnd(
  `DeviceIoControl(device, ${ECHO} + 4, null, 0, null, 0, null, third)
  CloseHandle(device)`,
)

/** A queue of the driver's own besides the default one. */
const SECOND_QUEUE = `
  WDF_IO_QUEUE_CONFIG_INIT(queueConfig, WdfIoQueueDispatchManual)
  const second = out<PVOID>()
  WdfIoQueueCreate(device.value, queueConfig, null, second)
  Waiting = second.value`

describe('a request that is forwarded', () => {
  const source = control(
    `${PARALLEL}\n queueConfig.EvtIoDeviceControl = Control`,
    `
let Waiting: PVOID = null
function Control(Queue: PVOID, Request: PVOID, OutputLength: ULONG, InputLength: ULONG, Code: ULONG): void {
  if (Code === ${ECHO}) {
    DbgPrint('forward %x\\n', WdfRequestForwardToIoQueue(Request, Waiting))
    return
  }
  DbgPrint('to its own %x\\n', WdfRequestForwardToIoQueue(Request, Queue))
  const next = out<PVOID>()
  while (NT_SUCCESS(WdfIoQueueRetrieveNextRequest(Waiting, next)))
    WdfRequestComplete(next.value, STATUS_SUCCESS)
  WdfRequestComplete(Request, STATUS_SUCCESS)
}`,
    SECOND_QUEUE,
  )

  test('waits in the other queue, where it is cancelled without the driver', async () => {
    const { printed, stdout, outcome, leaks } = await runKmdf(source, TWO)
    expect(printed).toEqual(['forward 0', 'forward 0', 'to its own c0000010', 'unload'])
    expect(stdout).toEqual(['c0000120 103', 'c0000120 0 0'])
    expect([outcome, leaks]).toEqual(['ok', []])
  })

  test("is not the driver's: when it completes it, the machine stops", async () => {
    const wrong = source.replace(
      'WdfRequestForwardToIoQueue(Request, Waiting))',
      'WdfRequestForwardToIoQueue(Request, Waiting))\n    WdfRequestComplete(Request, STATUS_SUCCESS)',
    )
    const { code, stop } = await runKmdf(wrong, TWO)
    expect([code, stop]).toEqual(['0x0000010D', 10])
  })

  test('is cancelled when its handle is closed', async () => {
    const { stdout } = await runKmdf(source, twoAnd('CloseHandle(device)'))
    expect(stdout[1]).toBe('c0000120 c0000120 0')
  })
})

/** A driver that keeps one request itself. */
const keeping = (mark: string, done = ''): string =>
  control(
    `${PARALLEL}\n queueConfig.EvtIoDeviceControl = Control`,
    `
let Kept: PVOID = null
function Control(Queue: PVOID, Request: PVOID, OutputLength: ULONG, InputLength: ULONG, Code: ULONG): void {
  if (Code === ${ECHO}) {
    Kept = Request
    ${mark}
    return
  }
  ${done || "const status = WdfRequestUnmarkCancelable(Kept)\n DbgPrint('unmark %x\\n', status)\n if (NT_SUCCESS(status)) WdfRequestComplete(Kept, STATUS_SUCCESS)"}
  WdfRequestComplete(Request, STATUS_SUCCESS)
}
function Cancel(Request: PVOID): void {
  DbgPrint('cancel at %u, unmark %x\\n', KeGetCurrentIrql(), WdfRequestUnmarkCancelable(Request))
  WdfRequestComplete(Request, STATUS_CANCELLED)
}`,
  )

describe('a request that is marked cancelable', () => {
  const source = keeping("DbgPrint('mark %x\\n', WdfRequestMarkCancelableEx(Request, Cancel))")

  test('is given to EvtRequestCancel, unless it was unmarked before', async () => {
    const { printed, stdout, outcome, leaks } = await runKmdf(source, TWO)
    expect(printed).toEqual([
      ...['mark 0', 'mark 0', 'cancel at 0, unmark c0000120'],
      ...['unmark 0', 'unload'],
    ])
    expect(stdout).toEqual(['c0000120 103', 'c0000120 0 0'])
    expect([outcome, leaks]).toEqual(['ok', []])
  })

  test('is not marked twice, and an unmarked one is not unmarked', async () => {
    const twice = keeping(
      `WdfRequestMarkCancelable(Request, Cancel)
      DbgPrint('again %x\\n', WdfRequestMarkCancelableEx(Request, Cancel))
      DbgPrint('%x %x\\n', WdfRequestUnmarkCancelable(Request), WdfRequestUnmarkCancelable(Request))
      WdfRequestMarkCancelable(Request, Cancel)`,
    )
    const { printed } = await runKmdf(twice, TWO)
    expect(printed.slice(0, 2)).toEqual(['again c0000010', '0 c0000010'])
  })

  test('is refused by another queue', async () => {
    const forwarded = keeping(
      `WdfRequestMarkCancelable(Request, Cancel)
      DbgPrint('%x\\n', WdfRequestForwardToIoQueue(Request, Queue))`,
    )
    expect((await runKmdf(forwarded, TWO)).printed[0]).toBe('c0000010')
  })

  test('and is completed all the same is found by the verifier', async () => {
    const wrong = keeping(
      'WdfRequestMarkCancelable(Request, Cancel)',
      'WdfRequestComplete(Kept, STATUS_SUCCESS)',
    )
    const { code } = await runKmdf(wrong, TWO, ['VR-IRP-CANCEL-SET'])
    expect(code).toBe('0x000000C9')
  })

  test('and is completed twice stops the machine', async () => {
    const wrong = keeping(
      'WdfRequestMarkCancelable(Request, Cancel)',
      `WdfRequestUnmarkCancelable(Kept)
      WdfRequestComplete(Kept, STATUS_SUCCESS)
      WdfRequestComplete(Kept, STATUS_SUCCESS)`,
    )
    expect((await runKmdf(wrong, TWO)).code).toBe('0x0000010D')
  })
})

describe('timers and DPCs', () => {
  const ATTRIBUTES = `
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ParentObject = device.value`
  const SLEEP = 'export function main(): number { Sleep(50); return 0 }'

  test('call the driver at DISPATCH_LEVEL, once or again and again', async () => {
    const source = control(
      SEQUENTIAL,
      `
let Left = 3
function Once(Timer: PVOID): void {
  DbgPrint('once at %u, parent %u\\n', KeGetCurrentIrql(), WdfTimerGetParentObject(Timer) !== null ? 1 : 0)
}
function Often(Timer: PVOID): void {
  DbgPrint('often\\n')
  Left--
  if (Left === 0) DbgPrint('stop %u, waiting %u\\n', WdfTimerStop(Timer, false) ? 1 : 0, WdfTimerStop(Timer, true) ? 1 : 0)
}`,
      `${ATTRIBUTES}
  const timerConfig = local(WDF_TIMER_CONFIG)
  WDF_TIMER_CONFIG_INIT(timerConfig, Once)
  const once = out<PVOID>()
  DbgPrint('%x %x\\n', WdfTimerCreate(timerConfig, attributes, once), WdfTimerCreate(timerConfig, null, once))
  WDF_TIMER_CONFIG_INIT_PERIODIC(timerConfig, Often, 10)
  const often = out<PVOID>()
  WdfTimerCreate(timerConfig, attributes, often)
  DbgPrint('%u %u\\n', WdfTimerStart(once.value, -10000n) ? 1 : 0, WdfTimerStart(once.value, -20000n) ? 1 : 0)
  WdfTimerStart(often.value, -50000n)`,
    )
    const { printed, outcome, leaks } = await runKmdf(source, SLEEP)
    expect(printed).toEqual([
      ...['0 c000000d', '0 1', 'once at 2, parent 1'],
      ...['often', 'often', 'often', 'stop 1, waiting 0', 'unload'],
    ])
    expect([outcome, leaks]).toEqual(['ok', []])
  })

  test('that are armed go with their parent', async () => {
    const source = control(
      SEQUENTIAL,
      "function Late(Timer: PVOID): void { DbgPrint('too late\\n') }",
      `${ATTRIBUTES}
  const timerConfig = local(WDF_TIMER_CONFIG)
  WDF_TIMER_CONFIG_INIT(timerConfig, Late)
  const timer = out<PVOID>()
  WdfTimerCreate(timerConfig, attributes, timer)
  WdfTimerStart(timer.value, -100000000n)`,
    )
    const { printed, outcome } = await runKmdf(source, SLEEP, ['VR-POOL-FREE-TIMER'])
    expect([printed, outcome]).toEqual([['unload'], 'ok'])
  })

  test('a DPC is queued once, and can be taken back', async () => {
    const source = control(
      SEQUENTIAL,
      `
function Deferred(Dpc: PVOID): void {
  DbgPrint('DPC at %u, parent %u\\n', KeGetCurrentIrql(), WdfDpcGetParentObject(Dpc) !== null ? 1 : 0)
}`,
      `${ATTRIBUTES}
  const dpcConfig = local(WDF_DPC_CONFIG)
  WDF_DPC_CONFIG_INIT(dpcConfig, Deferred)
  const dpc = out<PVOID>()
  DbgPrint('%x\\n', WdfDpcCreate(dpcConfig, attributes, dpc))
  const irql = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, irql)
  const first = WdfDpcEnqueue(dpc.value) ? 1 : 0
  const again = WdfDpcEnqueue(dpc.value) ? 1 : 0
  const waiting = WdfDpcCancel(dpc.value, true) ? 1 : 0
  const taken = WdfDpcCancel(dpc.value, false) ? 1 : 0
  WdfDpcEnqueue(dpc.value)
  KeLowerIrql(irql.value)
  DbgPrint('%u %u %u %u\\n', first, again, waiting, taken)
  dpcConfig.Size = 4
  DbgPrint('%x\\n', WdfDpcCreate(dpcConfig, attributes, dpc))`,
    )
    const { printed } = await runKmdf(source, SLEEP)
    expect(printed).toEqual(['0', 'DPC at 2, parent 1', '1 0 0 1', 'c0000004', 'unload'])
  })
})

test('a wait lock lets one in, with a critical region around, and goes with the driver', async () => {
  const source = control(
    SEQUENTIAL,
    '',
    `
  const lock = out<PVOID>()
  DbgPrint('%x\\n', WdfWaitLockCreate(null, lock))
  DbgPrint('%x\\n', WdfWaitLockAcquire(lock.value, null))
  DbgPrint('APCs disabled %u\\n', KeAreApcsDisabled() ? 1 : 0)
  DbgPrint('%x %x\\n', WdfWaitLockAcquire(lock.value, 0n), WdfWaitLockAcquire(lock.value, -10000n))
  WdfWaitLockRelease(lock.value)
  DbgPrint('APCs disabled %u\\n', KeAreApcsDisabled() ? 1 : 0)
  DbgPrint('%x\\n', WdfWaitLockAcquire(lock.value, 0n))
  WdfWaitLockRelease(lock.value)`,
  )
  const { printed, outcome, leaks } = await runKmdf(
    source,
    'export function main(): number { return 0 }',
  )
  expect(printed).toEqual([
    ...['0', '0', 'APCs disabled 1', '102 102', 'APCs disabled 0', '0', 'unload'],
  ])
  expect([outcome, leaks]).toEqual(['ok', []])
})
