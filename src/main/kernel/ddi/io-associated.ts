/** Associated packets: one request of a program, done in several parts. */
import { IRP_ASSOCIATED_IRP } from '../../../shared/nt/generated/constants'
import { IRP } from '../../../shared/nt/generated/offsets'
import { ddi, t } from './types'

export const IO_ASSOCIATED_DDIS = {
  IoMakeAssociatedIrp: ddi({
    params: { Irp: t.ptr('IRP'), StackSize: t.cchar },
    returns: t.ptr('IRP'),
    irql: [0, 2],
    summary:
      'Allocates a packet that belongs to a master. When AssociatedIrp.IrpCount of them are completed the master is completed as well.',
    docs: 'ntifs/nf-ntifs-iomakeassociatedirp',
    run(k, a) {
      const { memory } = k
      if (a.StackSize < 1) return 0
      const irp = k.irps.allocate(a.StackSize, 'driver')
      if (!irp) return 0
      memory.setU32(irp + IRP.Flags, IRP_ASSOCIATED_IRP)
      memory.setPtr(irp + IRP['AssociatedIrp.MasterIrp'], a.Irp)
      const thread = 'Tail.Overlay.Thread'
      memory.setPtr(irp + IRP[thread], memory.ptr(a.Irp + IRP[thread]))
      return irp
    },
  }),
}
