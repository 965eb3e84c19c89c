import { readFileSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { analyse } from '../analyse'
import { readBaseRates } from './base-rates'
import { evaluate } from './evaluate'
import { loadRules } from './load'
import { madeUpFacts, type MadeUp } from './testing/made-up-facts'

const folder = resolve(__dirname, '../../../../data/capabilities')
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => ({ name, text: readFileSync(resolve(folder, name), 'utf8') }))
const { rules, problems } = loadRules(files)

function matched(made: MadeUp): string[] {
  return evaluate(madeUpFacts(made), rules, new Map()).map(({ id }) => id)
}

const attach = 'IoAttachDeviceToDeviceStack'

/** For each rule: facts that show the capability, and facts that nearly do. */
const cases: Record<string, [shows: MadeUp, nearly: MadeUp]> = {
  'map-physical-memory': [{ imports: ['MmMapIoSpace'] }, { imports: ['MmUnmapIoSpace'] }],
  'open-physical-memory-section': [
    { imports: ['ZwOpenSection'], strings: ['\\Device\\PhysicalMemory'] },
    { imports: ['ZwOpenSection'], strings: ['\\KnownDlls\\ntdll.dll'] },
  ],
  'copy-physical-memory': [{ imports: ['MmCopyMemory'] }, { imports: ['MmCopyVirtualMemory'] }],
  'translate-physical-addresses': [
    { imports: ['MmGetPhysicalAddress'] },
    { imports: ['MmIsAddressValid'] },
  ],
  'list-physical-memory': [
    { resolved: ['MmGetPhysicalMemoryRanges'] },
    { imports: ['MmGetPhysicalAddress'] },
  ],
  'map-kernel-memory-to-user-mode': [
    { imports: ['MmBuildMdlForNonPagedPool', 'MmMapLockedPagesSpecifyCache'] },
    { imports: ['MmProbeAndLockPages', 'MmMapLockedPagesSpecifyCache'] },
  ],
  'read-model-specific-registers': [{ instructions: ['rdmsr'] }, { instructions: ['rdpmc'] }],
  'write-model-specific-registers': [{ instructions: ['wrmsr'] }, { instructions: ['rdmsr'] }],
  'access-io-ports': [{ instructions: ['out dx,al'] }, { instructions: ['rdmsr'] }],
  'grant-io-ports-to-processes': [
    { imports: ['Ke386SetIoAccessMap'] },
    { imports: ['HalGetBusDataByOffset'] },
  ],
  'read-pci-configuration': [
    { imports: ['HAL.dll!HalGetBusDataByOffset'] },
    { imports: ['HAL.dll!HalSetBusDataByOffset'] },
  ],
  'write-pci-configuration': [
    { imports: ['HAL.dll!HalSetBusDataByOffset'] },
    { imports: ['HAL.dll!HalGetBusDataByOffset'] },
  ],
  'write-control-registers': [{ instructions: ['mov cr4,rax'] }, { instructions: ['mov rax,cr4'] }],
  'read-page-table-base': [{ instructions: ['mov rax,cr3'] }, { instructions: ['mov cr3,rax'] }],
  'access-descriptor-tables': [{ instructions: ['sidt [rsp+20h]'] }, { instructions: ['str ax'] }],
  'access-debug-registers': [{ instructions: ['mov dr7,rax'] }, { instructions: ['mov cr0,rax'] }],
  'disable-interrupts': [{ instructions: ['cli'] }, { instructions: ['sti'] }],
  'allocate-dma-memory': [
    { imports: ['MmAllocateContiguousMemorySpecifyCache'] },
    { imports: ['MmAllocateNonCachedMemory'] },
  ],
  'connect-interrupt': [{ imports: ['IoConnectInterruptEx'] }, { imports: ['KeInsertQueueDpc'] }],
  'run-on-each-processor': [
    { imports: ['KeSetSystemAffinityThread'] },
    { imports: ['KeQueryActiveProcessors'] },
  ],
  'run-hypervisor': [{ instructions: ['vmlaunch'] }, { instructions: ['vmcall'] }],
  'read-firmware-tables': [
    { imports: ['MmMapIoSpace'], strings: ['_SM_'] },
    { imports: ['MmMapIoSpace'], strings: ['_SMART_'] },
  ],
  'set-firmware-variables': [
    { imports: ['ExSetFirmwareEnvironmentVariable'] },
    { imports: ['ExGetFirmwareEnvironmentVariable'] },
  ],
  'reset-machine': [{ imports: ['HAL.dll!HalReturnToFirmware'] }, { imports: ['KeBugCheckEx'] }],
  'access-raw-disk': [
    { imports: ['IoBuildSynchronousFsdRequest'], strings: ['\\Device\\Harddisk0\\DR0'] },
    { imports: ['IoBuildSynchronousFsdRequest'], strings: ['\\Device\\Null'] },
  ],
  'take-unchecked-pointers': [
    { ioctls: [['METHOD_NEITHER', 'FILE_ANY_ACCESS']] },
    {
      ioctls: [
        ['METHOD_NEITHER', 'FILE_READ_ACCESS|FILE_WRITE_ACCESS'],
        ['METHOD_BUFFERED', 'FILE_ANY_ACCESS'],
      ],
    },
  ],
  'terminate-processes': [
    { imports: ['ZwTerminateProcess', 'ZwOpenProcess'] },
    { imports: ['ZwTerminateProcess'] },
  ],
  'suspend-processes': [{ resolved: ['PsSuspendProcess'] }, { imports: ['PsResumeProcess'] }],
  'open-processes': [
    { imports: ['PsLookupProcessByProcessId', 'ObOpenObjectByPointer'] },
    { imports: ['PsLookupProcessByProcessId'] },
  ],
  'attach-to-process': [
    { imports: ['KeStackAttachProcess'] },
    { imports: ['KeUnstackDetachProcess'] },
  ],
  'copy-process-memory': [{ resolved: ['MmCopyVirtualMemory'] }, { imports: ['MmCopyMemory'] }],
  'protect-process-memory': [
    { imports: ['ZwProtectVirtualMemory'] },
    { imports: ['ZwQueryVirtualMemory'] },
  ],
  'allocate-process-memory': [
    { imports: ['ZwAllocateVirtualMemory', 'KeStackAttachProcess'] },
    { imports: ['ZwAllocateVirtualMemory'] },
  ],
  'inject-apc': [
    { imports: ['KeInitializeApc', 'KeInsertQueueApc'] },
    { imports: ['KeInitializeApc'] },
  ],
  'create-user-threads': [
    { resolved: ['RtlCreateUserThread'] },
    { imports: ['PsCreateSystemThread'] },
  ],
  'change-thread-context': [
    { imports: ['PsSetContextThread'] },
    { imports: ['PsGetContextThread'] },
  ],
  'watch-processes': [
    { imports: ['PsSetCreateProcessNotifyRoutineEx'] },
    { imports: ['PsSetLoadImageNotifyRoutine'] },
  ],
  'watch-threads': [
    { imports: ['PsSetCreateThreadNotifyRoutine'] },
    { imports: ['PsRemoveCreateThreadNotifyRoutine'] },
  ],
  'watch-images': [
    { imports: ['PsSetLoadImageNotifyRoutine'] },
    { imports: ['PsRemoveLoadImageNotifyRoutine'] },
  ],
  'find-notify-routines': [
    { strings: ['PspLoadImageNotifyRoutine'] },
    { strings: ['PsSetLoadImageNotifyRoutine'] },
  ],
  'remove-notify-routines': [
    { imports: ['PsRemoveLoadImageNotifyRoutine'] },
    { imports: ['PsRemoveLoadImageNotifyRoutine', 'PsSetLoadImageNotifyRoutineEx'] },
  ],
  'filter-handles': [{ imports: ['ObRegisterCallbacks'] }, { imports: ['ObGetFilterVersion'] }],
  'remove-object-callbacks': [
    { imports: ['ObUnRegisterCallbacks'] },
    { imports: ['ObUnRegisterCallbacks', 'ObRegisterCallbacks'] },
  ],
  'filter-registry': [
    { imports: ['CmRegisterCallbackEx'] },
    { imports: ['CmCallbackGetKeyObjectID'] },
  ],
  'remove-registry-callbacks': [
    { imports: ['CmUnRegisterCallback'] },
    { imports: ['CmUnRegisterCallback', 'CmRegisterCallbackEx'] },
  ],
  'filter-files': [
    { imports: ['FLTMGR.SYS!FltRegisterFilter'] },
    { imports: ['FLTMGR.SYS!FltUnregisterFilter'] },
  ],
  'tamper-with-minifilters': [
    { imports: ['FLTMGR.SYS!FltEnumerateFilters'] },
    { imports: ['FLTMGR.SYS!FltEnumerateVolumes'] },
  ],
  'inspect-network-traffic': [
    { imports: ['fwpkclnt.sys!FwpsCalloutRegister1'] },
    { imports: ['fwpkclnt.sys!FwpsCalloutUnregisterById0'] },
  ],
  'redirect-connections': [
    { imports: ['FwpsAcquireWritableLayerDataPointer0', 'FwpsApplyModifiedLayerData0'] },
    { imports: ['FwpsAcquireWritableLayerDataPointer0'] },
  ],
  'intercept-browser-traffic': [
    { types: ['WFP'], strings: ['\\chrome.exe', 'C:\\Firefox.exe'] },
    { types: ['WFP'], strings: ['\\chrome.exe'] },
  ],
  'inject-packets': [
    { imports: ['FwpsInjectNetworkSendAsync0'] },
    { imports: ['FwpsQueryPacketInjectionState0'] },
  ],
  'remove-network-filters': [
    { imports: ['FwpmFilterDeleteById0'] },
    { imports: ['FwpmFilterAdd0'] },
  ],
  'sniff-packets': [
    { imports: ['IoGetDeviceObjectPointer'], strings: ['\\Device\\Tcp'] },
    { imports: ['IoGetDeviceObjectPointer'], strings: ['\\Device\\TcpMonitor'] },
  ],
  'open-network-connections': [
    { imports: ['NETIO.SYS!WskRegister'] },
    { imports: ['NETIO.SYS!WskDeregister'] },
  ],
  'reach-other-drivers': [
    { imports: ['ObReferenceObjectByName'], strings: ['\\Driver\\nsiproxy'] },
    { imports: ['ObReferenceObjectByName'], strings: ['\\BaseNamedObjects\\x'] },
  ],
  'attach-to-device-stack': [
    { imports: ['IoGetDeviceObjectPointer', attach] },
    { imports: [attach] },
  ],
  'log-keys': [
    { imports: ['ObReferenceObjectByName'], strings: ['\\Driver\\Kbdclass'] },
    { imports: ['IoCreateDevice'], strings: ['\\Driver\\Kbdclass'] },
  ],
  'make-input': [
    { imports: ['ObReferenceObjectByName'], strings: ['\\Driver\\MouClass'] },
    { strings: ['\\Driver\\MouClass'] },
  ],
  'hook-system-calls': [
    { imports: ['KeServiceDescriptorTable'] },
    { strings: ['no KeServiceDescriptorTable'] },
  ],
  'hijack-kernel-pointers': [{ resolved: ['HalDispatchTable'] }, { strings: ['HalDispatch'] }],
  'patch-kernel-code': [
    { instructions: ['mov rax,cr0', 'mov cr0,rax'] },
    { instructions: ['mov rax,cr0'] },
  ],
  'hide-drivers': [{ strings: ['PiDDBCacheTable'] }, { strings: ['PiDDB'] }],
  'replace-process-token': [
    { imports: ['ZwDuplicateToken', 'ZwSetInformationProcess'] },
    { imports: ['ZwDuplicateToken'] },
  ],
  'disable-code-integrity': [
    { strings: ['\\SystemRoot\\System32\\CI.dll'] },
    { strings: ['CI.dll'], imports: ['ci.dll!CiValidateFileObject'] },
  ],
  'know-security-products': [
    { products: ['MsMpEng.exe', 'avp.exe', 'ekrn.exe'] },
    { products: ['MsMpEng.exe', 'msmpeng.exe', 'avp.exe'] },
  ],
  'kill-security-products': [
    { products: ['MsMpEng.exe', 'avp.exe'], imports: ['ZwTerminateProcess'] },
    { products: ['MsMpEng.exe', 'avp.exe'] },
  ],
  'delete-files': [
    { imports: ['MmFlushImageSection', 'ZwSetInformationFile'] },
    { imports: ['ZwSetInformationFile'] },
  ],
  'make-autostart-entries': [
    {
      imports: ['ZwSetValueKey'],
      strings: ['\\Registry\\Machine\\Software\\Microsoft\\Windows\\CurrentVersion\\Run'],
    },
    {
      imports: ['ZwQueryValueKey'],
      strings: ['\\Registry\\Machine\\Software\\Microsoft\\Windows\\CurrentVersion\\Run'],
    },
  ],
  'act-at-shutdown': [
    { imports: ['IoRegisterShutdownNotification', 'ZwSetValueKey'] },
    { imports: ['IoRegisterShutdownNotification'] },
  ],
  'load-drivers': [{ imports: ['ZwLoadDriver'] }, { imports: ['ZwLoadKey'] }],
  'map-images-by-hand': [{ imports: ['RtlImageNtHeader'] }, { imports: ['RtlCompareMemory'] }],
  'resolve-routines-at-run-time': [
    { imports: ['MmGetSystemRoutineAddress'], resolved: ['ZwSuspendProcess'] },
    { resolved: ['ZwSuspendProcess'] },
  ],
  'list-processes-and-modules': [
    { imports: ['ZwQuerySystemInformation'] },
    { imports: ['ZwQueryInformationProcess'] },
  ],
  'evade-debuggers': [{ imports: ['KdDebuggerEnabled'] }, { imports: ['DbgPrint'] }],
  'silence-etw': [{ strings: ['EtwThreatIntProvRegHandle'] }, { strings: ['EtwRegister'] }],
  'manipulate-handles': [
    { imports: ['ZwDuplicateObject', 'ZwOpenProcess'] },
    { imports: ['ZwDuplicateObject'] },
  ],
}

describe('the rules that ship', () => {
  test('are read without a problem, and there are many on both axes', () => {
    expect(problems).toEqual([])
    expect(rules).toHaveLength(files.length)
    expect(new Set(rules.map(({ id }) => id)).size).toBe(files.length)
    for (const axis of ['hardware', 'telemetry']) {
      expect(rules.filter((rule) => rule.axis === axis).length).toBeGreaterThan(20)
    }
  })

  test('have names of their own, and a reference each', () => {
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length)
    expect(rules.filter(({ references }) => references.length === 0)).toEqual([])
  })

  test('call a technique by one name everywhere', () => {
    const names = new Map<string, Set<string>>()
    for (const { id, name } of rules.flatMap(({ attack }) => attack)) {
      names.set(id, (names.get(id) ?? new Set()).add(name))
    }
    expect([...names].filter(([, all]) => all.size > 1)).toEqual([])
    // ATT&CK 19 replaced the techniques under T1562 by others.
    expect([...names.keys()].filter((id) => id.startsWith('T1562'))).toEqual([])
  })

  test('are all in the table below, and nothing else is', () => {
    expect(Object.keys(cases).sort()).toEqual(rules.map(({ id }) => id))
  })

  test.each(Object.entries(cases))('%s', (id, [shows, nearly]) => {
    expect(matched(shows)).toContain(id)
    expect(matched(nearly)).not.toContain(id)
  })

  test('find nothing in a driver that only makes a device', () => {
    const imports = [
      'IoCreateDevice',
      'IoCreateSymbolicLink',
      'IoDeleteDevice',
      'IofCompleteRequest',
    ]
    expect(matched({ imports, ioctls: [['METHOD_BUFFERED', 'FILE_ANY_ACCESS']] })).toEqual([])
  })

  test.each([
    ['lantern.sys', ['take-unchecked-pointers']],
    [
      'ferry-forged.sys',
      ['inspect-network-traffic', 'intercept-browser-traffic', 'redirect-connections'],
    ],
  ])('find in %s what it was made to show', (name, capabilities) => {
    const baseRates = readBaseRates(
      readFileSync(resolve(folder, '../loldrivers/import-frequency.csv'), 'utf8'),
    )
    const bytes = readFileSync(resolve(folder, '../fixtures/pe', name))
    const found = analyse(bytes, { capabilities: { rules, baseRates } }).capabilities
    expect(found.map(({ id }) => id)).toEqual(capabilities)
    expect(found.every(({ evidence }) => evidence.some(({ rva }) => rva !== null))).toBe(true)
  })
})
