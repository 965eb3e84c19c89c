/**
 * What the advice finds: mistakes of drivers that the language allows. The code runs all the same, so
 * that the mistake can be watched. docs/advice.md explains each by its code.
 */
interface Rule {
  /** `%` stands for a detail. */
  message: string
  hint: string
}

/** Rules by code. A code is never given to another rule. */
export const ADVICE = {
  WDM001: {
    message: '% is used after it was completed (line %).',
    hint: 'After IoCompleteRequest a request belongs to the I/O manager: take what you need out of it before.',
  },
  WDM002: {
    message: '% is completed a second time; line % completed it before.',
    hint: 'Every request is completed once. Return after completing it, or leave it to one place.',
  },
  WDM003: {
    message: 'STATUS_PENDING is returned, but % was not marked pending.',
    hint: 'Call IoMarkIrpPending before the request is given to a queue or another routine, and return STATUS_PENDING.',
  },
  WDM004: {
    message: '% was marked pending (line %), but % is returned.',
    hint: 'A dispatch routine that called IoMarkIrpPending returns STATUS_PENDING, even when the request is completed already.',
  },
  WDM005: {
    message: '% is neither completed, nor pending, nor passed on here.',
    hint: 'Set IoStatus and call IoCompleteRequest, or the program that waits for it never goes on.',
  },
  WDM006: {
    message: '% was completed with % (line %), but % is returned.',
    hint: 'Return the status that IoStatus.Status was given.',
  },
  WDM007: {
    message: '% is still held when the function returns; it was acquired at line %.',
    hint: 'Release it on every way out.',
  },
  WDM008: {
    message: '% is acquired, but line % acquired it already.',
    hint: 'A spin lock does not know its owner: the processor would wait for itself. Release it first.',
  },
  WDM009: {
    message: '% is released, but it is not held here.',
    hint: 'Release what this path acquired, once.',
  },
  WDM010: {
    message: '% may be called up to %; here the IRQL is %, because %.',
    hint: 'Do it before the IRQL is raised, after it is lowered, or in a work item.',
  },
  WDM011: {
    message: 'Paged memory (allocated at line %) is touched at %, because %.',
    hint: 'Use nonpaged pool for what is touched at DISPATCH_LEVEL or above, or touch it before.',
  },
  WDM012: {
    message: 'The status of % is ignored.',
    hint: 'Keep it and look at it with NT_SUCCESS: what it should have made may not exist.',
  },
  WDM013: {
    message: 'The result of % (line %) is used without a look whether it is NULL.',
    hint: 'Memory can be short at any time: compare with null first, and fail with STATUS_INSUFFICIENT_RESOURCES.',
  },
  WDM014: {
    message: 'Memory that was freed at line % is %.',
    hint: 'Forget a pointer when its block is freed: set it to null.',
  },
  WDM015: {
    message: 'The block of % (line %) is lost here.',
    hint: 'Free it on every way out that does not keep it.',
  },
  WDM016: {
    message: 'A pointer of the program is followed %.',
    hint: 'Inside try, check it with ProbeForRead or ProbeForWrite and use it there: it may lead anywhere, also into the kernel.',
  },
  WDM017: {
    message: 'The driver makes a device and has no DriverUnload routine.',
    hint: 'Without one it cannot be unloaded. Set DriverObject.DriverUnload.',
  },
  WDM018: {
    message: '% is called, but nothing outside of DriverEntry calls %.',
    hint: 'What stays behind after the unload leads into code that is gone, and its name cannot be used again.',
  },
  WDM019: {
    message: 'SystemBuffer is followed, and no length was looked at before.',
    hint: 'Compare InputBufferLength or OutputBufferLength first: without data SystemBuffer is NULL, and a short buffer ends where the program says.',
  },
  WDM020: {
    message: '% still holds the address of the block that is freed here.',
    hint: 'The next request would use it. Set it to null.',
  },
} as const satisfies Record<string, Rule>

export type AdviceCode = keyof typeof ADVICE
