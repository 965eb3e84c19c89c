import { expect, test } from 'vitest'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import { lab, open, complete } from '../testing/client'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

test('a master is completed when the last of its associated packets is', () => {
  const order: string[] = []
  const held: number[] = []
  const { m, exitCode } = lab({
    majors: {
      // A read is split into two writes to the driver itself.
      *3(d, device, irp) {
        const { memory } = d.k
        yield* d.ddi('IoMarkIrpPending', irp!)
        memory.setU32(irp! + IRP['IoStatus.Status'], 0)
        memory.setSize(irp! + IRP['IoStatus.Information'], 7)
        memory.setU32(irp! + IRP['AssociatedIrp.IrpCount'], 2)
        for (let i = 0; i < 2; i++) {
          const part = yield* d.ddi('IoMakeAssociatedIrp', irp!, 1)
          expect(memory.ptr(part + IRP['AssociatedIrp.MasterIrp'])).toBe(irp)
          memory.setU8(memory.ptr(part + CURRENT) - IO_STACK_LOCATION.SIZE, 4)
          yield* d.ddi('IofCallDriver', device!, part)
        }
        for (const part of held) {
          order.push(`part, ${d.k.irps.info(irp!)?.state}`)
          yield* complete(d, part, 0)
        }
        order.push('both')
        return 0x103
      },
      *4(d, _device, irp) {
        yield* d.ddi('IoMarkIrpPending', irp!)
        held.push(irp!)
        return 0x103
      },
    },
    *client(d) {
      const handle = yield* open(d)
      const read = d.out()
      const ok = yield* d.ddi('ReadFile', handle, 0, 0, read, 0)
      return ok ? Number(read.value) : 99
    },
  })
  expect(m.bugCheck).toBeNull()
  expect(order).toEqual(['part, active', 'part, active', 'both'])
  expect(exitCode).toBe(7)
  expect([...m.k.irps.all()]).toEqual([])
})

test('a packet without a stack location is none', () => {
  let made = 1
  lab({
    majors: {
      *14(d, _device, irp) {
        made = yield* d.ddi('IoMakeAssociatedIrp', irp!, 0)
        return yield* complete(d, irp!, 0)
      },
    },
    *client(d) {
      return yield* d.ddi('DeviceIoControl', yield* open(d), 0x222003, 0, 0, 0, 0, d.out(), 0)
    },
  })
  expect(made).toBe(0)
})
