/** I/O request packets. */
import { grouped, majorName, statusName } from '../../../../../shared/trace/words'
import { lookUp } from '../look-up'
import { atStep, byteWords, code, said, type KindRows } from '../row'

export const irps: KindRows = {
  count: (state) => state.irps.length,
  rows: (state) =>
    state.irps.map((irp) => ({
      id: String(irp.irp),
      title: `IRP ${irp.irp}`,
      about: `${majorName(irp.major)}, ${irp.phase}`,
      words: [`IRP ${irp.irp} `, irp.address],
      fields: [
        code('Function', majorName(irp.major)),
        ...(irp.ioctl === null ? [] : [code('Control code', irp.ioctl)]),
        said('State', irp.phase),
        ...(irp.device === null ? [] : [lookUp(state).device('At device', irp.device)]),
        said('Stack location', `${irp.location} of ${irp.stackCount}`),
        irp.status === null ? said('Status', 'not set') : code('Status', statusName(irp.status)),
        said('Information', grouped(irp.information)),
        said('Input', byteWords(irp.inputLength)),
        said('Output', byteWords(irp.outputLength)),
        atStep('Created at', irp.createdAt),
        ...(irp.completedAt.length
          ? irp.completedAt.map((seq) => atStep('Completed at', seq))
          : [said('Completed at', 'never')]),
        code('Address', irp.address),
      ],
    })),
}
