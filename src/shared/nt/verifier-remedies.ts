/** What to change in a driver that breaks a rule of the verifier: one sentence or two for each rule. */

const REMEDIES: Readonly<Record<string, string>> = {
  // IRQL
  'VR-IRQL-RAISE':
    'KeRaiseIrql only goes up. To go down call KeLowerIrql with the level that was saved.',
  'VR-IRQL-LOWER': 'Pass KeLowerIrql the level that KeRaiseIrql stored, and nothing else.',
  'VR-IRQL-SPIN-RELEASE':
    'Leave the IRQL alone between acquiring and releasing a spin lock; release it at DISPATCH_LEVEL.',
  'VR-IRQL-SPIN-ACQUIRE-HIGH': 'Above DISPATCH_LEVEL queue a DPC, and acquire the spin lock there.',
  'VR-IRQL-SPIN-DPC-LOW':
    'KeAcquireSpinLockAtDpcLevel needs DISPATCH_LEVEL already; below it call KeAcquireSpinLock.',
  'VR-IRQL-SPIN-DPC-RELEASE-LOW':
    'Pair the routines: what KeAcquireSpinLockAtDpcLevel acquired, KeReleaseSpinLockFromDpcLevel releases, at DISPATCH_LEVEL.',
  'VR-IRQL-FASTMUTEX-ACQ':
    'A fast mutex may make its caller wait: acquire it at APC_LEVEL or below, or protect the data with a spin lock.',
  'VR-IRQL-FASTMUTEX-REL':
    'Leave the IRQL alone while a fast mutex is held: it is released at APC_LEVEL.',
  'VR-IRQL-FASTMUTEX-UNSAFE':
    'Call KeEnterCriticalRegion before ExAcquireFastMutexUnsafe, or ExAcquireFastMutex, which does it itself.',
  'VR-IRQL-RESOURCE-APC':
    'Call KeEnterCriticalRegion before acquiring an ERESOURCE and KeLeaveCriticalRegion after releasing it.',
  'VR-IRQL-RESOURCE-REL': 'Release the resource first, then leave the critical region.',
  'VR-IRQL-WAIT':
    'Wait before the IRQL is raised or after it is lowered; at DISPATCH_LEVEL only a look without waiting (a time-out of 0) is allowed.',
  'VR-IRQL-SETEVENT':
    'Pass Wait = FALSE at DISPATCH_LEVEL; above it queue a DPC and set the event there.',
  'VR-IRQL-DDI-PASSIVE':
    'Call it at PASSIVE_LEVEL: before the lock or the raised IRQL, after it, or from a work item.',
  'VR-IRQL-DDI-APC':
    'Call it at APC_LEVEL or below: before the lock or the raised IRQL, after it, or from a work item.',
  'VR-IRQL-DDI-DISPATCH':
    'Queue a DPC and call it there: an interrupt service routine is above DISPATCH_LEVEL.',
  'VR-IRQL-ZW':
    'Call system services at PASSIVE_LEVEL and outside of guarded regions, or from a work item.',
  'VR-IRQL-RETURN-DISPATCH':
    'Release every lock and lower the IRQL on each way out of the dispatch routine.',
  'VR-IRQL-RETURN-COMPLETION':
    'Release in the completion routine what it acquired, on each way out.',
  'VR-IRQL-RETURN-CALLBACK':
    'Return at the IRQL of the call: lower it, or release the lock, on each way out of the callback.',
  'VR-IRQL-RETURN-WORKITEM':
    'Release the lock, or lower the IRQL, before the work routine returns.',
  'VR-IRQL-FORWARD':
    'IoCallDriver may be called up to DISPATCH_LEVEL; from an interrupt queue a DPC first.',
  'VR-IRQL-FORWARD-MAJOR':
    'Pass packets of this kind down at PASSIVE_LEVEL: release the lock first, or use a work item.',
  'VR-IRQL-COMPLETE':
    'IoCompleteRequest may be called up to DISPATCH_LEVEL; from an interrupt queue a DPC first.',
  'VR-IRQL-PAGEABLE':
    'Keep what is touched at DISPATCH_LEVEL or above in nonpaged pool, or touch it at a lower IRQL.',
  // Pool
  'VR-POOL-ZERO':
    'Check the length before allocating: an allocation of 0 bytes is a length that nobody looked at.',
  'VR-POOL-PAGED-IRQL':
    'Allocate from nonpaged pool at DISPATCH_LEVEL, or allocate before the IRQL is raised.',
  'VR-POOL-NONPAGED-IRQL':
    'Allocate before the IRQL goes above DISPATCH_LEVEL, for instance when the device starts.',
  'VR-POOL-FREE-PAGED-IRQL':
    'Free paged pool at APC_LEVEL or below: after the lock is released, or in a work item.',
  'VR-POOL-FREE-NONPAGED-IRQL':
    'Free pool at DISPATCH_LEVEL or below: in a DPC rather than in the interrupt.',
  'VR-POOL-FREE-BAD':
    'Free the pointer that the allocation returned: keep it unchanged, and advance a copy.',
  'VR-POOL-DOUBLE-FREE': 'Free each block in one place, and set the pointer to NULL there.',
  'VR-POOL-TAG': 'Use one constant for the tag, at the allocation and at the free.',
  'VR-POOL-USER-ADDR':
    'Free only what a pool routine returned; memory of a program is the program’s.',
  'VR-POOL-OVERRUN-SP':
    'Stay inside the block: compare every index and length with the size that was allocated.',
  'VR-POOL-UNDERRUN-SP':
    'Nothing lies before the block for the driver: check that an index or a difference cannot be negative.',
  'VR-POOL-TAIL-SP':
    'Allocate as much as is written, with room for the terminating zero of a string.',
  'VR-POOL-UAF-SP':
    'Do not touch the block after it was freed: set pointers to it to NULL, or count references.',
  'VR-POOL-LEAK':
    'Free every block before DriverUnload returns, also those that other routines left in lists.',
  'VR-POOL-FREE-TIMER':
    'Call KeCancelTimer and KeFlushQueuedDpcs before the memory of the timer is freed.',
  'VR-POOL-FREE-RESOURCE': 'Call ExDeleteResourceLite before the memory of the resource is freed.',
  'VR-POOL-FREE-LOOKASIDE': 'Delete the lookaside list before its memory is freed.',
  'VR-POOL-EXECUTABLE':
    'Allocate with NonPagedPoolNx or POOL_FLAG_NON_PAGED: data needs no right to run.',
  'VR-POOL-LOOKASIDE-REINIT':
    'Initialise a lookaside list once; delete it before it is initialised again.',
  'VR-POOL-LOWRES':
    'Compare every allocation with NULL and return STATUS_INSUFFICIENT_RESOURCES, with what was made before undone.',
  // MDLs
  'VR-MM-LOCK-FLAGS':
    'Lock an MDL once, and only one that describes pageable memory: not one built for nonpaged pool or part of another.',
  'VR-MM-UNLOCK-NOTLOCKED':
    'Call MmUnlockPages once, and only after MmProbeAndLockPages has succeeded.',
  'VR-MM-UNLOCK-NONPAGED': 'An MDL for nonpaged pool was never locked: only IoFreeMdl it.',
  'VR-MM-UNLOCK-PARTIAL':
    'The pages belong to the MDL that the partial one is part of: only IoFreeMdl it.',
  'VR-MM-MAP-NOTLOCKED': 'Lock the pages with MmProbeAndLockPages before they are mapped.',
  'VR-MM-MAP-TWICE': 'Call MmGetSystemAddressForMdlSafe, which gives the mapping that there is.',
  'VR-MM-UNMAP-NOTMAPPED': 'Unmap once, and only what was mapped.',
  'VR-MM-FREE-MAPPED': 'Unmap or unlock the MDL before IoFreeMdl.',
  'VR-MM-BUILD-PAGED':
    'Lock pageable memory with MmProbeAndLockPages; MmBuildMdlForNonPagedPool is for nonpaged pool.',
  'VR-MM-MAP-OBSOLETE':
    'Pass BugCheckOnFailure = FALSE and compare the address with NULL, or call MmGetSystemAddressForMdlSafe.',
  'VR-MM-IOSPACE-RAM': 'Map only the memory of devices with MmMapIoSpace; for RAM there are MDLs.',
  'VR-MM-EXEC-MAPPING': 'Add MdlMappingNoExecute to the priority.',
  'VR-MM-LOCKED-AT-EXIT':
    'Call MmUnlockPages on every way, also when the request is cancelled or the handle is closed.',
  'VR-MM-SIZE-SECTION-WX':
    'Link the driver so that code and data have sections of their own: without /MERGE, and not packed.',
  // Packets
  'VR-IRP-DOUBLE-COMPLETE':
    'Complete a packet in one place, and return the status that was saved before.',
  'VR-IRP-NOT-COMPLETED':
    'On every way out of the dispatch routine complete the packet, pass it down, or mark it pending and return STATUS_PENDING.',
  'VR-IRP-PENDING-NOMARK':
    'Call IoMarkIrpPending before the packet is put into a queue, then return STATUS_PENDING.',
  'VR-IRP-MARK-NOPENDING':
    'Return STATUS_PENDING after IoMarkIrpPending, even when the packet is completed already.',
  'VR-IRP-PENDING-NOTPROPAGATED':
    'In the completion routine: if (Irp.PendingReturned) IoMarkIrpPending(Irp).',
  'VR-IRP-STATUS-MISMATCH':
    'Save the status in a variable, put it into IoStatus.Status and return the same.',
  'VR-IRP-STATUS-PENDING': 'Set IoStatus.Status to a final status before IoCompleteRequest.',
  'VR-IRP-CANCEL-SET':
    'Call IoSetCancelRoutine(Irp, NULL) before completing; if it gives NULL, the cancel routine completes the packet.',
  'VR-IRP-CANCEL-FORWARD': 'Call IoSetCancelRoutine(Irp, NULL) before the packet is passed down.',
  'VR-IRP-CANCEL-LOCK':
    'Call IoReleaseCancelSpinLock(Irp.CancelIrql) in the cancel routine, before anything else.',
  'VR-IRP-CANCEL-SLOW': 'Let the cancel routine complete the packet with STATUS_CANCELLED soon.',
  'VR-IRP-CANCEL-STATUS': 'Complete a cancelled packet with STATUS_CANCELLED and Information 0.',
  'VR-IRP-NOLOCATION':
    'Allocate a packet with the StackSize of the device that it is sent to; send one that came from above only to the device below.',
  'VR-IRP-BADCOPY':
    'Copy the stack location with IoCopyCurrentIrpStackLocationToNext, which leaves out the completion routine of the driver above.',
  'VR-IRP-SKIP-THEN-COMPLETION':
    'Copy the stack location instead of skipping it when a completion routine is set.',
  'VR-IRP-COPY-NOCOMPLETION':
    'Call IoSkipCurrentIrpStackLocation when no completion routine is set.',
  'VR-IRP-TOUCH-AFTER':
    'Keep in a variable what is needed of the packet; after IoCompleteRequest it belongs to the I/O manager.',
  'VR-IRP-FORWARD-PENDING':
    'Wait for the packet that was passed down, or go on in its completion routine.',
  'VR-IRP-CANCEL-BELOW': 'Cancel only packets that the driver made or holds itself.',
  'VR-IRP-FREE-INUSE':
    'Free the packet in its completion routine, which returns STATUS_MORE_PROCESSING_REQUIRED.',
  'VR-IRP-FREE-THREAD':
    'Do not free it: the I/O manager frees what IoBuildDeviceIoControlRequest and IoBuildSynchronousFsdRequest made.',
  'VR-IRP-FREE-EXFREEPOOL': 'Free a packet with IoFreeIrp.',
  'VR-IRP-REINIT':
    'Prepare a packet for another use with IoReuseIrp; IoInitializeIrp is for memory of the driver’s own.',
  'VR-IRP-NOT-AN-IRP':
    'Pass the pointer of a packet that lives: find out where this one was freed, or what it is instead.',
  'VR-IRP-INFORMATION':
    'Set IoStatus.Information to what was written, and never to more than the buffer holds.',
  'VR-IRP-SUSPICIOUS': 'Return an NTSTATUS on every way: initialise the variable.',
  'VR-IRP-STACK-EVENT': 'Wait for the event before the function returns whose stack it lies on.',
  'VR-IRP-COMPLETION-PAGED':
    'Keep completion routines out of pageable code: they may run at DISPATCH_LEVEL.',
  'VR-IRP-FORCE-PENDING':
    'Look at what IoCallDriver returns: after STATUS_PENDING wait for the packet before its result is used.',
  // Devices
  'VR-DEV-DELETE-ATTACHED': 'Call IoDetachDevice before IoDeleteDevice.',
  'VR-DEV-DETACH-UNATTACHED': 'Detach once, with the pointer that the attach gave.',
  'VR-DEV-DOUBLE-DELETE': 'Delete a device once, and set the pointer to NULL there.',
  'VR-DEV-INITIALIZING': 'At the end of AddDevice: device.Flags &= ~DO_DEVICE_INITIALIZING.',
  'VR-DEV-BUFFER-FLAGS':
    'Copy DO_BUFFERED_IO and DO_DIRECT_IO from the device below after attaching.',
  'VR-DEV-BOTH-FLAGS': 'Set DO_BUFFERED_IO or DO_DIRECT_IO, not both.',
  'VR-DEV-TYPE': 'Create the filter’s device with the DeviceType of the device below.',
  'VR-DEV-POWERPAGABLE': 'Copy DO_POWER_PAGABLE from the device below after attaching.',
  'VR-DEV-NULL':
    'Check that the attach has succeeded, and keep its pointer, before packets are passed down.',
  'VR-DEV-SKIPPED': 'Pass packets to the device that the attach gave, which lies directly below.',
  'VR-DEV-LEFT-AT-UNLOAD': 'Call IoDeleteSymbolicLink and IoDeleteDevice in DriverUnload.',
  // PnP and power
  'VR-PNP-REMOVE-NODETACH':
    'In IRP_MN_REMOVE_DEVICE pass the packet down, then IoDetachDevice and IoDeleteDevice.',
  'VR-PNP-REMOVE-NODELETE':
    'In IRP_MN_REMOVE_DEVICE delete the device after the packet was passed down.',
  'VR-PNP-REMOVE-FAILED': 'Set STATUS_SUCCESS in IRP_MN_REMOVE_DEVICE: it cannot be refused.',
  'VR-PNP-SURPRISE-DETACH':
    'Keep the device until IRP_MN_REMOVE_DEVICE; at a surprise removal only stop using the hardware.',
  'VR-PNP-COMPLETED': 'Pass PnP packets down that are not the driver’s to complete.',
  'VR-PNP-STATUS':
    'Complete a PnP packet that the driver fails, with that status; one that is passed down keeps the status it came with.',
  'VR-PNP-RELATIONS-REF':
    'Call ObReferenceObject for every device that is reported in the relations.',
  'VR-PWR-COMPLETED': 'Pass power packets down that are not the driver’s to complete.',
  'VR-PWR-STUCK': 'Complete or pass on every power packet; the machine waits for each.',
  // Locks
  'VR-LOCK-RECURSE':
    'Do not acquire what is held: let a function that both callers use run with the lock held by them.',
  'VR-LOCK-ORDER': 'Acquire locks in one order everywhere.',
  'VR-LOCK-UNINIT': 'Initialise the lock when the structure that it lies in is made.',
  'VR-LOCK-RELEASE-ORDER': 'Release locks in the reverse of the order in which they were acquired.',
  'VR-LOCK-WRONG-THREAD':
    'Release a mutex in the thread that acquired it; to signal another thread use an event.',
  'VR-LOCK-REINIT': 'Initialise the lock once, not each time that it is needed.',
  'VR-LOCK-NOTHELD': 'Release only what this path acquired, once.',
  'VR-LOCK-THREAD-EXIT': 'Release every lock before the thread ends.',
  'VR-LOCK-FREED': 'Release the lock before its memory is freed.',
  'VR-LOCK-CRITREGION': 'Leave a critical region as often as it was entered, on every way.',
  'VR-LOCK-APC-DISPATCH': 'Leave critical and guarded regions before the dispatch routine returns.',
  'VR-LOCK-PAGEABLE':
    'Keep locks and other dispatcher objects in nonpaged pool or in the device extension.',
  'VR-LOCK-USERWAIT-STACK':
    'Wait in KernelMode for an object on the kernel stack: a wait in UserMode lets the stack be paged out.',
  'VR-LOCK-REMOVELOCK': 'Release a remove lock with the tag with which it was acquired, once.',
  'VR-LOCK-REMOVELOCK-REINIT': 'Initialise the remove lock once, in AddDevice.',
  'VR-LOCK-REMOVELOCK-WAIT':
    'Call IoReleaseRemoveLockAndWait only in IRP_MN_REMOVE_DEVICE, with the lock acquired before.',
  // Objects
  'VR-OBJ-REFZERO':
    'Give back one reference for each that was taken, and none that is somebody else’s.',
  'VR-OBJ-BADHANDLE':
    'Check where the handle comes from, and that the open that gave it has succeeded.',
  'VR-OBJ-USERHANDLE':
    'Pass UserMode for a handle of a program; make the driver’s own handles with OBJ_KERNEL_HANDLE.',
  'VR-OBJ-KERNELHANDLE-USERMODE':
    'Pass KernelMode for a kernel handle; never take one from a program.',
  'VR-OBJ-CLOSE-INVALID': 'Close each handle once, and forget it there.',
  // Security
  'VR-SEC-ZW-USERPTR':
    'Copy what the program handed over into kernel memory, after a probe, and pass the copy.',
  'VR-SEC-ZW-STRING':
    'Make strings with RtlInitUnicodeString; Length and MaximumLength count bytes and are even.',
  'VR-SEC-KERNEL-IRP-USERADDR':
    'Copy the data into kernel memory, or set RequestorMode to UserMode in the packet.',
  'VR-SEC-NEITHER-NOPROBE':
    'Call ProbeForRead or ProbeForWrite for the whole range first, inside try; or use METHOD_BUFFERED.',
  'VR-SEC-NEITHER-NOSEH':
    'Touch memory of a program only inside try with a catch: it may be gone at any time.',
  'VR-SEC-DOUBLEFETCH':
    'Copy it into a variable of the kernel once, check the copy and use the copy.',
  'VR-SEC-LENGTH':
    'Compare InputBufferLength and OutputBufferLength with what is needed before the buffer is touched.',
  'VR-SEC-ACCESS':
    'Give the control code FILE_READ_ACCESS | FILE_WRITE_ACCESS, and the device a security descriptor that lets only administrators open it.',
  // Unload
  'VR-UNLOAD-TIMER': 'Call KeCancelTimer, then KeFlushQueuedDpcs, in DriverUnload.',
  'VR-UNLOAD-CALLBACK': 'Unregister every callback in DriverUnload.',
  'VR-UNLOAD-THREAD': 'Tell the thread to end and wait for its object in DriverUnload.',
  'VR-UNLOAD-WORKITEM':
    'Use IoQueueWorkItem, which keeps the driver loaded, or wait for the work in DriverUnload.',
  'VR-UNLOAD-IRP': 'Complete or cancel every packet that the driver still holds before it goes.',
  'VR-UNLOAD-LOOKASIDE': 'Delete the lookaside list in DriverUnload.',
  'VR-UNLOAD-ETW': 'Call EtwUnregister in DriverUnload, for every handle that EtwRegister gave.',
  'VR-UNLOAD-EXCEPTION': 'Set DriverObject.DriverUnload in DriverEntry.',
  // Everything else
  'VR-MISC-MEMCPY-OVERLAP': 'Call RtlMoveMemory where the two blocks may overlap.',
  'VR-MISC-WORKITEM-DOUBLE':
    'Queue a work item again only after its routine has begun; keep a flag for it.',
  'VR-MISC-WORKITEM-PAGED': 'Keep work items in nonpaged pool.',
  'VR-MISC-LIST':
    'Remove an entry once; initialise its links again when it may be removed a second time.',
  'VR-MISC-INTERRUPTS': 'Pair _disable with _enable on every way.',
  'VR-MISC-STACK':
    'Put large buffers into pool, and make a recursion a loop: a kernel stack is small.',
  'VR-MISC-DPC-TIME': 'Do little in a DPC, and what takes time in a work item or a thread.',
  'VR-PATCH-CODE':
    'Leave code, tables and registers of the kernel as they are, and use documented callbacks.',
  'VR-PATCH-DKOM':
    'Leave the lists of the kernel as they are: processes and images belong on them until they end.',
}

/** What to change after a rule was broken; undefined for a rule that there is none for. */
export function remedyOf(rule: string): string | undefined {
  return Object.hasOwn(REMEDIES, rule) ? REMEDIES[rule] : undefined
}
