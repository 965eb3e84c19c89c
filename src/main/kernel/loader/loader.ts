/**
 * Loading and unloading drivers: service key, image, driver object, DriverEntry; and back, with a
 * list of everything that the driver forgot.
 */
import {
  DEVICE_OBJECT,
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  ETHREAD,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { DO_DEVICE_INITIALIZING } from '../../../shared/nt/constants'
import { IRP_MJ_MAXIMUM_FUNCTION } from '../../../shared/nt/irp-functions'
import {
  STATUS_IMAGE_ALREADY_LOADED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_SUCCESS,
} from '../../../shared/nt/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { Verdict } from '../../../shared/package/policy'
import type { LeakKind, SourcePlace } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import { forgetProviders, providerOf } from '../ex/etw'
import { lookasideIn } from '../ex/lookaside'
import { checkStillIn } from '../ke/attach'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/object'
import { threadsStartedIn } from '../ps/system-thread'
import type { Image, NativeRoutine } from './image'
import { Reinitialization } from './reinitialize'
import { driverPath } from '../ps/image-name'
import { LoadedModules } from './modules'
import { driverInitialized, leftAtUnload } from '../verifier/rules/device'
import { imageMapped } from '../verifier/rules/image'
import { driverReturned } from '../verifier/rules/integrity'
import { unloadRefused } from '../verifier/rules/unload'

const DRVO_UNLOAD_INVOKED = 0x01
const DRVO_LEGACY_DRIVER = 0x02
const DRVO_BUILTIN_DRIVER = 0x04
const DRVO_INITIALIZED = 0x10
const IO_TYPE_DRIVER = 4
/** Addresses of one driver's image. */
const IMAGE_SPAN = 1 << 20
const SERVICES = '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\'
const HARDWARE = '\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM'

export interface Leak {
  kind: LeakKind
  count: number
  tag?: string
  bytes?: number
  name?: string
  at?: SourcePlace | null
}

export interface LoadedDriver {
  name: string
  image: Image
  object: Ptr
  registryPath: Ptr
  /** Its unload was asked for and waits for the last handle. */
  unloading: boolean
  unloaded: boolean
}

export class Loader {
  readonly reinitialization = new Reinitialization()
  /** Names of driver objects without a service: the system's own, and those of IoCreateDriver. */
  private readonly builtin = new Map<Ptr, string>()
  /** By driver object of IoCreateDriver: the image that its initialization routine lies in. */
  private readonly makers = new Map<Ptr, Image>()
  private readonly images = new Map<string, Image>()
  private readonly loaded: LoadedDriver[] = []
  private invalidDeviceRequest: Ptr = 0
  readonly leaks: Leak[] = []
  /** Status of the first driver's DriverEntry, or of the step of its loading that failed. */
  firstStatus: number | null = null
  /** The load that ended the run; one that a program or a driver asked for does not. */
  failed: { name: string; status: number } | null = null

  readonly modules: LoadedModules
  /** Services whose image was not linked with /INTEGRITYCHECK. */
  private readonly unchecked = new Set<Image>()
  /** What the machine's policy says of services, by image; empty where there is no policy. */
  private readonly verdicts = new Map<Image, Verdict>()
  /** Verdicts that were asked for, in the order of asking. */
  readonly judged: { name: string; verdict: Verdict }[] = []

  constructor(private readonly k: Kernel) {
    this.modules = new LoadedModules(k)
  }

  /**
   * Make a service known, so that it can be loaded: its key and the image that its code is in.
   * @param unit  the runner's number for the driver's compiled code
   * @param integrityCheck  linked with /INTEGRITYCHECK, which some callbacks ask for
   * @param verdict  what the machine's policy says of the image, where it has one
   */
  install(
    name: string,
    unit: number,
    parameters: Record<string, number | string> = {},
    integrityCheck = true,
    verdict?: Verdict,
  ): Image {
    const { k } = this
    const registryPath = k.registry.createService(name, { parameters })
    k.emit({ t: 'service.created', name, registryPath })
    const image = k.images.mapDriver(name, unit)
    this.images.set(name.toLowerCase(), image)
    if (!integrityCheck) this.unchecked.add(image)
    if (verdict) this.verdicts.set(image, verdict)
    return image
  }

  /** Name of a driver object, loaded from a service or not. */
  nameOf(object: Ptr): string | undefined {
    return this.byObject(object)?.name ?? this.builtin.get(object)
  }

  /**
   * The image whose code a driver object runs, whatever the object itself says: that which was loaded
   * for it, or which made it by IoCreateDriver. Undefined for those of the system.
   */
  imageOf(object: Ptr): Image | undefined {
    return this.byObject(object)?.image ?? this.makers.get(object)
  }

  byObject(object: Ptr): LoadedDriver | undefined {
    return this.loaded.findLast((driver) => driver.object === object)
  }

  byName(name: string): LoadedDriver | undefined {
    return this.loaded.findLast(
      (driver) => driver.name.toLowerCase() === name.toLowerCase() && !driver.unloaded,
    )
  }

  isUnloading(object: Ptr): boolean {
    return this.byObject(object)?.unloading ?? false
  }

  // --- load --------------------------------------------------------------------------------------

  /**
   * NtLoadDriver for a service. A failing status leaves nothing behind but what DriverEntry itself
   * forgot to undo.
   */
  *load(name: string): KernelRoutine<number> {
    const status = yield* this.loadImage(name)
    this.firstStatus ??= status
    yield* this.reinitialization.run(this.k)
    return status
  }

  private *loadImage(name: string): KernelRoutine<number> {
    const { k } = this
    const image = this.images.get(name.toLowerCase())
    if (!image || k.registry.key(SERVICES + name) === undefined) return STATUS_OBJECT_NAME_NOT_FOUND
    if (this.byName(name)) return STATUS_IMAGE_ALREADY_LOADED
    const refused = this.verify(name, image)
    if (refused !== null) return refused
    if (image.unloaded) k.images.mapAgain(image)
    k.emit({ t: 'image.mapped', name, base: k.memory.format(image.base), size: image.size })
    const driver = this.createDriver(name, image)
    if (typeof driver === 'number') {
      k.images.unmap(image)
      return driver
    }
    const section = this.modules.add(image, driverPath(name), !this.unchecked.has(image))
    k.memory.setPtr(driver.object + DRIVER_OBJECT.DriverSection, section)
    yield* k.notifications.driverMapped(name, image)
    const entry = yield { op: 'load', unit: image.unit, image: image.number }
    k.memory.setPtr(driver.object + DRIVER_OBJECT.DriverInit, entry)
    imageMapped(k, image, entry)
    const process = k.processes.current
    const start = k.images.entryPoint(image, entry)
    const status =
      (yield* k.call(start, 'DRIVER_INITIALIZE', [driver.object, driver.registryPath])) >>> 0
    checkStillIn(k, process, entry)
    k.emit({ t: 'driver.loaded', name, status: hex32(status) })
    if ((status | 0) < 0) {
      this.reportLeaks(driver)
      this.remove(driver)
      return status
    }
    const { memory } = k
    this.addFlags(driver.object, DRVO_INITIALIZED)
    if (this.isPnp(driver.object)) {
      const flags = driver.object + DRIVER_OBJECT.Flags
      memory.setU32(flags, memory.u32(flags) & ~DRVO_LEGACY_DRIVER)
    }
    for (const device of k.devices.ofDriver(driver.object)) {
      const flags = device + DEVICE_OBJECT.Flags
      memory.setU32(flags, memory.u32(flags) & ~DO_DEVICE_INITIALIZING)
    }
    driverInitialized(k, driver.object)
    driverReturned(k, entry)
    return status
  }

  /** Code integrity, before anything of the image is mapped. @returns the status of a refusal */
  private verify(name: string, image: Image): number | null {
    const verdict = this.verdicts.get(image)
    if (!verdict) return null
    const { windows, accepted, status, rule, because } = verdict
    const rules = verdict.rules.map((answer) => ({
      rule: answer.rule,
      passes: answer.passes,
      because: answer.because,
    }))
    this.judged.push({ name, verdict })
    this.k.emit({ t: 'image.verified', name, windows, accepted, status, rule, because, rules })
    return accepted ? null : Number(status)
  }

  /** A driver object has AddDevice: the PnP manager decides when the driver goes. */
  private isPnp(object: Ptr): boolean {
    const { memory } = this.k
    const extension = memory.ptr(object + DRIVER_OBJECT.DriverExtension)
    return memory.ptr(extension + DRIVER_EXTENSION.AddDevice) !== 0
  }

  /**
   * A driver of the system's own, with routines of the kernel for some major functions.
   * @param where  directory of the object, and the module that its routines lie in
   */
  createBuiltin(
    name: string,
    majors: Readonly<Record<number, NativeRoutine>>,
    where: { directory?: string; image?: Image | undefined } = {},
  ): Ptr {
    const { k } = this
    const { directory = '\\Driver', image } = where
    const object = this.createObject(name, `${directory}\\${name}`)
    if (typeof object === 'number') return 0
    this.builtin.set(object.address, name)
    if (image) {
      k.memory.setPtr(object.address + DRIVER_OBJECT.DriverStart, image.base)
      k.memory.setU32(object.address + DRIVER_OBJECT.DriverSize, image.size)
      k.memory.setPtr(object.address + DRIVER_OBJECT.DriverSection, this.modules.entryOf(image))
    }
    for (const [major, routine] of Object.entries(majors))
      k.memory.setPtr(
        object.address + DRIVER_OBJECT.MajorFunction + Number(major) * 8,
        k.images.registerNative(`${name}Major${major}`, routine, name, image),
      )
    return object.address
  }

  /**
   * IoCreateDriver: a driver object without image and service, and its initialization routine.
   * @param name  `\Driver\X`, or null for one that the system makes
   */
  *createUnloadedDriver(name: string | null, initialize: Ptr): KernelRoutine<number> {
    const { k } = this
    const path = name ?? `\\Driver\\${String(k.tick).padStart(8, '0')}`
    const leaf = path.slice(path.lastIndexOf('\\') + 1)
    const object = this.createObject(leaf, path)
    if (typeof object === 'number') return object
    this.builtin.set(object.address, leaf)
    const maker = k.images.at(initialize)
    if (maker) this.makers.set(object.address, maker)
    k.memory.setPtr(object.address + DRIVER_OBJECT.DriverInit, initialize)
    this.addFlags(object.address, DRVO_BUILTIN_DRIVER)
    const status = (yield* k.call(initialize, 'DRIVER_INITIALIZE', [object.address, 0])) >>> 0
    if ((status | 0) >= 0) {
      this.addFlags(object.address, DRVO_INITIALIZED)
      return status
    }
    k.ob.freeText(object.address + DRIVER_OBJECT.DriverName)
    k.ob.freeText(object.address + DRIVER_OBJECT.SIZE + DRIVER_EXTENSION.ServiceKeyName)
    k.ob.makeTemporary(object.address)
    k.ob.release(object.address)
    this.builtin.delete(object.address)
    this.makers.delete(object.address)
    return status
  }

  /** The driver object itself, every major function with the handler that refuses. */
  private createObject(name: string, path: string): KObject<string> | number {
    const { k } = this
    const { memory } = k
    const created = k.ob.create('Driver', DRIVER_OBJECT.SIZE + DRIVER_EXTENSION.SIZE, {
      name: path,
      data: name,
    })
    if (typeof created === 'number') return created
    const object = created.address
    const extension = object + DRIVER_OBJECT.SIZE
    memory.setU16(object + DRIVER_OBJECT.Type, IO_TYPE_DRIVER)
    memory.setU16(object + DRIVER_OBJECT.Size, DRIVER_OBJECT.SIZE)
    this.addFlags(object, DRVO_LEGACY_DRIVER)
    memory.setPtr(object + DRIVER_OBJECT.DriverExtension, extension)
    k.ob.writeText(object + DRIVER_OBJECT.DriverName, path)
    memory.setPtr(extension + DRIVER_EXTENSION.DriverObject, object)
    k.ob.writeText(extension + DRIVER_EXTENSION.ServiceKeyName, name)
    memory.setPtr(object + DRIVER_OBJECT.HardwareDatabase, this.unicodeString(HARDWARE))
    const invalid = this.invalidRequestHandler()
    for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
      memory.setPtr(object + DRIVER_OBJECT.MajorFunction + i * 8, invalid)
    return created
  }

  private createDriver(name: string, image: Image): LoadedDriver | number {
    const created = this.createObject(name, `\\Driver\\${name}`)
    if (typeof created === 'number') return created
    const object = created.address
    const { memory } = this.k
    memory.setPtr(object + DRIVER_OBJECT.DriverStart, image.base)
    memory.setU32(object + DRIVER_OBJECT.DriverSize, image.size)
    const driver: LoadedDriver = {
      name,
      image,
      object,
      registryPath: this.unicodeString(SERVICES + name),
      unloading: false,
      unloaded: false,
    }
    this.loaded.push(driver)
    return driver
  }

  private unicodeString(text: string): Ptr {
    const at = this.k.pool.allocate(16, 'IoNm', { system: true })
    this.k.ob.writeText(at, text)
    return at
  }

  private addFlags(object: Ptr, flags: number): void {
    const at = object + DRIVER_OBJECT.Flags
    this.k.memory.setU32(at, this.k.memory.u32(at) | flags)
  }

  /** Address of IopInvalidDeviceRequest, which every MajorFunction entry holds at first. */
  private invalidRequestHandler(): Ptr {
    if (this.invalidDeviceRequest) return this.invalidDeviceRequest
    this.invalidDeviceRequest = this.k.images.registerNative(
      'IopInvalidDeviceRequest',
      function* (k, [, irp = 0]) {
        k.memory.setU32(irp + IRP['IoStatus.Status'], STATUS_INVALID_DEVICE_REQUEST)
        k.memory.setSize(irp + IRP['IoStatus.Information'], 0)
        yield* k.irps.complete(irp)
        return STATUS_INVALID_DEVICE_REQUEST
      },
    )
    return this.invalidDeviceRequest
  }

  // --- unload --------------------------------------------------------------------------------------

  /**
   * NtUnloadDriver. With open handles the unload happens when the last one is closed.
   * @param byPnp  the PnP manager asks; nobody else unloads a driver that has AddDevice
   */
  *unload(name: string, byPnp = false): KernelRoutine<number> {
    const { k } = this
    const driver = this.byName(name)
    if (!driver || driver.unloading) return STATUS_OBJECT_NAME_NOT_FOUND
    if (!byPnp && this.isPnp(driver.object)) return STATUS_INVALID_DEVICE_REQUEST
    if (k.memory.ptr(driver.object + DRIVER_OBJECT.DriverUnload) === 0) {
      unloadRefused(k, name, k.memory.ptr(driver.object + DRIVER_OBJECT.DriverInit))
      return STATUS_INVALID_DEVICE_REQUEST
    }
    driver.unloading = true
    if (this.isOpen(driver)) return STATUS_SUCCESS
    yield* this.finishUnload(driver)
    return STATUS_SUCCESS
  }

  /** A device of a driver is gone: unload a PnP driver that serves none any more. */
  *unloadUnused(object: Ptr): KernelRoutine<void> {
    const driver = this.byObject(object)
    if (!driver || driver.unloaded || !this.isPnp(object)) return
    if (this.k.memory.ptr(object + DRIVER_OBJECT.DeviceObject) === 0)
      yield* this.unload(driver.name, true)
  }

  private isOpen(driver: LoadedDriver): boolean {
    const { memory, devices } = this.k
    return devices
      .ofDriver(driver.object)
      .some(
        (device) =>
          memory.u32(device + DEVICE_OBJECT.ReferenceCount) > 0 ||
          memory.ptr(device + DEVICE_OBJECT.AttachedDevice) !== 0,
      )
  }

  /** The last handle to one of a driver's devices was closed. */
  *deviceClosed(object: Ptr): KernelRoutine<void> {
    const driver = this.byObject(object)
    if (driver?.unloading && !driver.unloaded && !this.isOpen(driver))
      yield* this.finishUnload(driver)
  }

  private *finishUnload(driver: LoadedDriver): KernelRoutine<void> {
    const { k } = this
    driver.unloaded = true
    this.addFlags(driver.object, DRVO_UNLOAD_INVOKED)
    const unload = k.memory.ptr(driver.object + DRIVER_OBJECT.DriverUnload)
    const process = k.processes.current
    yield* k.call(unload, 'DRIVER_UNLOAD', [driver.object])
    checkStillIn(k, process, unload)
    // Their device objects, and with them the image, stay until the last one has run.
    yield* k.workQueue.flushIoItems(driver.image.base, driver.image.base + IMAGE_SPAN)
    this.reportLeaks(driver)
    const { at } = k.thread
    const routine = k.images.function(unload)
    k.thread.at = routine ? k.images.placeOf(routine) : null
    driverReturned(k, unload)
    this.checkLeftBehind(driver)
    const links = [...k.ob.namespace.links()].filter((link) => link.data.driver === driver.name)
    leftAtUnload(
      k,
      driver.name,
      k.devices.ofDriver(driver.object),
      links.map((link) => link.data.shown),
    )
    k.thread.at = at
    k.emit({ t: 'driver.unloaded', name: driver.name })
    this.remove(driver)
  }

  private remove(driver: LoadedDriver): void {
    const { k } = this
    driver.unloaded = true
    this.reinitialization.forget(driver.object)
    this.freeTexts(driver)
    k.ob.makeTemporary(driver.object)
    k.ob.release(driver.object)
    k.emit({ t: 'image.unmapped', name: driver.name, base: k.memory.format(driver.image.base) })
    k.spinLocks.tracker.forget(driver.image.base, driver.image.base + IMAGE_SPAN)
    this.modules.remove(driver.image)
    k.images.unmap(driver.image)
  }

  private freeTexts({ object, registryPath }: LoadedDriver): void {
    const { memory, ob, pool } = this.k
    const hardware = memory.ptr(object + DRIVER_OBJECT.HardwareDatabase)
    ob.freeText(object + DRIVER_OBJECT.DriverName)
    ob.freeText(object + DRIVER_OBJECT.SIZE + DRIVER_EXTENSION.ServiceKeyName)
    for (const text of [registryPath, hardware]) {
      // A driver may have written over its own object; what is no block is not freed.
      if (!pool.block(text)) continue
      ob.freeText(text)
      pool.free(text)
    }
  }

  /** What Windows stops for at an unload: something that will still call into the image. */
  private checkLeftBehind(driver: LoadedDriver): void {
    const { k } = this
    const { memory } = k
    const start = driver.image.base
    const end = start + IMAGE_SPAN
    const timer = this.armedTimer(driver, start, end)
    const around = k.pool.find(timer)
    const range = around ? [around.address, around.address + around.bytes] : [start, end]
    k.verifier.check(
      'VR-UNLOAD-TIMER',
      timer !== 0,
      [0, memory.address(timer), memory.address(range[0]!), memory.address(range[1]!)],
      `${driver.name}.sys was unloaded while its timer or DPC is still queued.`,
    )
    const [started] = threadsStartedIn(k, start, end)
    const thread =
      started ??
      k.scheduler.threads.find((item) =>
        item.frames.some((frame) => frame.kind === 'code' && frame.image === driver.image.number),
      )
    if (thread) {
      const waits = thread.at ? `; it waits at ${thread.at.file}:${thread.at.line}` : ''
      const next = this.codeOf(thread)
      k.verifier.check(
        'VR-UNLOAD-THREAD',
        true,
        [next, 8, next, 0],
        `${driver.name}.sys was unloaded while thread ${thread.id} (${thread.name}) still runs its code${waits}.`,
      )
    }
    this.checkCallbacks(driver, start, end)
    const provider = providerOf(k, driver.name)
    k.verifier.check(
      'VR-UNLOAD-ETW',
      provider !== undefined,
      [0xdd, provider?.code ?? 0, memory.address(start), provider?.handle ?? 0],
      `${driver.name}.sys was unloaded while an event provider of it is still registered.`,
      provider
        ? { text: 'The provider was registered here.', at: provider.at, seq: provider.seq }
        : null,
    )
    forgetProviders(k, driver.name)
    const item = k.workQueue.queuedInto(start, end)
    k.verifier.check(
      'VR-UNLOAD-WORKITEM',
      item !== 0,
      [memory.address(item), 8, memory.address(item), 0],
      `${driver.name}.sys was unloaded while its work item is still queued.`,
    )
    const list = this.lookasideList(driver, start, end)
    k.verifier.check(
      'VR-UNLOAD-LOOKASIDE',
      list !== 0,
      [memory.address(list), 1, memory.address(list), 0],
      `${driver.name}.sys was unloaded while its lookaside list still exists.`,
    )
    const irp = k.irps.heldBy(k.devices.ofDriver(driver.object))[0]
    if (irp) {
      // The routine that was to complete it.
      const dispatch = driver.object + DRIVER_OBJECT.MajorFunction + irp.major * 8
      const routine = memory.address(memory.ptr(dispatch))
      k.verifier.check(
        'VR-UNLOAD-IRP',
        true,
        [routine, 8, routine, 0],
        `${driver.name}.sys was unloaded while it still has IRP ${irp.number}.`,
      )
    }
    const leaked = k.pool.blocksOf(driver.name)
    const blocks = leaked.length
    if (leaked[0]?.at) k.thread.at = leaked[0].at
    k.verifier.check(
      'VR-POOL-LEAK',
      blocks > 0,
      [0x62, memory.address(driver.object), 0, blocks],
      `${driver.name}.sys was unloaded with ${blocks} pool ${blocks === 1 ? 'block' : 'blocks'} still allocated.`,
    )
  }

  /**
   * A callback that is still registered. The machine stops at the next event that it is told of; with
   * the verifier it stops at once.
   */
  private checkCallbacks(driver: LoadedDriver, start: Ptr, end: Ptr): void {
    const { k } = this
    const [callback] = k.callbacks.into(start, end)
    if (!callback) return
    const { at, kind, routine, seq } = callback
    const what = `${driver.name}.sys was unloaded while its ${kind} callback ${k.images.symbol(routine)} is still registered.`
    const first = { text: 'The callback was registered here.', seq, at }
    const address = k.memory.address(routine)
    if (k.verifier.option('basic'))
      k.verifier.check('VR-UNLOAD-CALLBACK', true, [address, 8, address, 0], what, first)
    else k.verifier.warn('VR-UNLOAD-CALLBACK', true, what, first)
  }

  /** The address at which a thread goes on in driver code, or begins. */
  private codeOf(thread: Thread): bigint {
    const { images, memory } = this.k
    if (thread.frames.some((frame) => frame.kind === 'code')) return images.nearestCode(thread)
    return memory.address(memory.ptr(thread.address + ETHREAD.StartAddress))
  }

  /** Armed timer or queued DPC of a driver: in its image or pool, or with a routine in its image. */
  private armedTimer(driver: LoadedDriver, start: Ptr, end: Ptr): Ptr {
    const { k } = this
    for (const timer of k.timers.armedInto(start, end)) return timer
    for (const device of k.devices.ofDriver(driver.object)) {
      const timer = k.timers.armedIn(device, device + k.memory.u16(device + 2))
      if (timer) return timer
    }
    for (const block of k.pool.blocksOf(driver.name)) {
      const timer = k.timers.armedIn(block.address, block.address + block.bytes)
      if (timer) return timer
    }
    return 0
  }

  /** A lookaside list of a driver that it did not delete: in its image, devices or pool. */
  private lookasideList(driver: LoadedDriver, start: Ptr, end: Ptr): Ptr {
    const { k } = this
    const ranges: [Ptr, Ptr][] = [[start, end]]
    for (const device of k.devices.ofDriver(driver.object))
      ranges.push([device, device + k.memory.u16(device + DEVICE_OBJECT.Size)])
    for (const block of k.pool.blocksOf(driver.name))
      ranges.push([block.address, block.address + block.bytes])
    for (const [from, to] of ranges) {
      const list = lookasideIn(k, from, to)
      if (list) return list
    }
    return 0
  }

  private reportLeaks(driver: LoadedDriver): void {
    for (const leak of this.leaksOf(driver)) {
      this.leaks.push(leak)
      const { at, ...body } = leak
      this.k.thread.at = at ?? null
      this.k.emit({ t: 'leak.found', ...body })
    }
  }

  /** Everything that a driver still owns. */
  leaksOf(driver: LoadedDriver): Leak[] {
    const { k } = this
    const leaks: Leak[] = []
    for (const group of k.pool.leaksOf(driver.name)) leaks.push(group)
    for (const device of k.devices.ofDriver(driver.object))
      leaks.push({
        kind: 'device',
        count: 1,
        name: k.devices.nameOf(device) ?? k.memory.format(device),
      })
    for (const link of k.ob.namespace.links())
      if (link.data.driver === driver.name)
        leaks.push({ kind: 'link', count: 1, name: link.data.shown })
    const handles = new Map<string, number>()
    for (const { object, driver: owner } of k.processes.system.handles.entries())
      if (owner === driver.name)
        handles.set(object.type.name, (handles.get(object.type.name) ?? 0) + 1)
    for (const [name, count] of handles) leaks.push({ kind: 'handle', count, name })
    const threads = k.scheduler.threads.filter((thread) =>
      thread.frames.some(
        (frame) =>
          frame.kind === 'code' &&
          frame.image === driver.image.number &&
          frame.routine === 'KSTART_ROUTINE',
      ),
    )
    if (threads.length)
      leaks.push({ kind: 'thread', count: threads.length, name: threads[0]!.name })
    const irps = [...k.irps.all()].filter((info) => info.owner === driver.name)
    if (irps.length) leaks.push({ kind: 'irp', count: irps.length, name: `IRP ${irps[0]!.number}` })
    return leaks
  }

  /** Loaded drivers, newest first: the order in which a run unloads them. */
  stillLoaded(): LoadedDriver[] {
    return this.loaded.filter((driver) => !driver.unloaded).reverse()
  }
}
