/** Being called later: at shutdown, when all drivers are there, when file systems come and go. */
import { STATUS_OBJECT_NAME_INVALID } from '../../../shared/nt/generated/ntstatus'
import { unicodeText } from './io-device'
import { ddi, t } from './types'

const device = { DeviceObject: t.ptr('DEVICE_OBJECT') }

const fsListener = {
  DriverObject: t.ptr('DRIVER_OBJECT'),
  DriverNotificationRoutine: t.fn('DRIVER_FS_NOTIFICATION'),
}

const reinitialize = {
  DriverObject: t.ptr('DRIVER_OBJECT'),
  DriverReinitializationRoutine: t.fn('DRIVER_REINITIALIZE'),
  Context: t.optional(t.pvoid),
}

export const IO_NOTIFY_DDIS = {
  IoRegisterShutdownNotification: ddi({
    params: device,
    returns: t.ntstatus,
    run: (k, a) => k.shutdown.register(a.DeviceObject),
  }),

  IoUnregisterShutdownNotification: ddi({
    params: device,
    returns: t.void,
    run: (k, a) => k.shutdown.unregister(a.DeviceObject),
  }),

  IoRegisterDriverReinitialization: ddi({
    params: reinitialize,
    returns: t.void,
    run: (k, a) =>
      k.loader.reinitialization.register(
        a.DriverObject,
        a.DriverReinitializationRoutine,
        a.Context,
      ),
  }),

  IoRegisterBootDriverReinitialization: ddi({
    params: reinitialize,
    returns: t.void,
    support: 'partial',
    note: 'The machine has one phase of loading, so it is the same as IoRegisterDriverReinitialization.',
    run: (k, a) =>
      k.loader.reinitialization.register(
        a.DriverObject,
        a.DriverReinitializationRoutine,
        a.Context,
      ),
  }),

  IoRegisterFileSystem: ddi({
    params: device,
    returns: t.void,
    irql: [0, 0],
    summary: 'Makes the control device of a file system known, and tells the drivers that listen.',
    docs: 'ntifs/nf-ntifs-ioregisterfilesystem',
    support: 'partial',
    note: 'No volume is mounted on the file system.',
    run: (k, a) => k.fileSystems.register(a.DeviceObject),
  }),

  IoUnregisterFileSystem: ddi({
    params: device,
    returns: t.void,
    irql: [0, 0],
    summary: 'Takes back IoRegisterFileSystem, and tells the drivers that listen.',
    docs: 'ntifs/nf-ntifs-iounregisterfilesystem',
    run: (k, a) => k.fileSystems.unregister(a.DeviceObject),
  }),

  IoRegisterFsRegistrationChange: ddi({
    params: fsListener,
    returns: t.ntstatus,
    run: (k, a) => k.fileSystems.listen(a.DriverObject, a.DriverNotificationRoutine),
  }),

  IoUnregisterFsRegistrationChange: ddi({
    params: fsListener,
    returns: t.void,
    irql: [0, 1],
    summary: 'Takes back IoRegisterFsRegistrationChange.',
    docs: 'ntifs/nf-ntifs-iounregisterfsregistrationchange',
    run: (k, a) => k.fileSystems.ignore(a.DriverObject, a.DriverNotificationRoutine),
  }),

  IoCreateDriver: ddi({
    params: {
      DriverName: t.optional(t.ptr('UNICODE_STRING')),
      InitializationFunction: t.fn('DRIVER_INITIALIZE'),
    },
    returns: t.ntstatus,
    *run(k, a) {
      const name = unicodeText(k, a.DriverName)
      if (name === '') return STATUS_OBJECT_NAME_INVALID
      return yield* k.loader.createUnloadedDriver(name, a.InitializationFunction)
    },
  }),
}
