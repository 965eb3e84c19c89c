/** What kind of driver a file is, from what it imports and exports. Several kinds may hold. */
import type { DriverFacts, Image } from '../../../shared/driver-file/facts'

type DriverType = DriverFacts['types'][number]['type']

interface Import {
  readonly dll: string
  readonly name: string
}

const IMAGE_SUBSYSTEM_NATIVE = 1

interface Rule {
  readonly type: DriverType
  /** Modules that alone tell. */
  readonly modules?: RegExp
  /** Functions of which one is enough. */
  readonly functions?: readonly string[]
}

const rules: readonly Rule[] = [
  { type: 'KMDF', modules: /^wdfldr\.sys$/i, functions: ['WdfVersionBind', 'WdfVersionBindClass'] },
  { type: 'UMDF', modules: /^wudf(x\d*|platform)\.dll$/i },
  { type: 'minifilter', functions: ['FltRegisterFilter'] },
  {
    type: 'NDIS',
    functions: [
      ...['', 'M'].flatMap((kind) =>
        ['Miniport', 'MiniportDriver', 'ProtocolDriver', 'Protocol'].map(
          (what) => `Ndis${kind}Register${what}`,
        ),
      ),
      ...['NdisFRegisterFilterDriver', 'NdisMInitializeWrapper', 'NdisInitializeWrapper'],
      'NdisIMRegisterLayeredMiniport',
    ],
  },
  { type: 'WFP', modules: /^fwpkclnt\.sys$/i },
  { type: 'stream', modules: /^(ks|portcls|stream)\.sys$/i },
  { type: 'storport', modules: /^(storport|scsiport)\.sys$/i },
  { type: 'display', modules: /^(dxgkrnl|videoprt|win32k|watchdog|displib)\.sys$/i },
]

/** The types by the functions that tell: a look-up for each import instead of all expressions. */
const typeByFunction = new Map(
  rules.flatMap(({ type, functions = [] }) => functions.map((name) => [name, type] as const)),
)

/** Routines of the I/O manager that only a driver with devices or dispatch routines of its own needs. */
const wdmRoutines = new Set([
  ...['IoCreateDevice', 'IoCreateDeviceSecure', 'WdmlibIoCreateDeviceSecure'],
  ...['IofCompleteRequest', 'IofCallDriver', 'IoCompleteRequest', 'IoCallDriver'],
])
const attachRoutine = /^IoAttachDevice\w*$/
const kernelModules = /^(ntoskrnl\.exe|ntkrnl\w+\.exe|hal\.dll|wdm\.sys)$/i

export function driverTypes(image: Image): DriverFacts['types'] {
  /** The first import of each kind. */
  const routines = new Map<DriverType, Import>()
  let attach: Import | undefined
  let device: Import | undefined
  let isFileSystemFilter = false
  for (const { dll, functions } of image.imports) {
    for (const { name } of functions) {
      if (name === null) continue
      const type = typeByFunction.get(name)
      if (type && !routines.has(type)) routines.set(type, { dll, name })
      const isAttach = name.startsWith('IoAttachDevice') && attachRoutine.test(name)
      if (isAttach || wdmRoutines.has(name)) device ??= { dll, name }
      if (name.startsWith('IoAttachDeviceToDeviceStack')) attach ??= { dll, name }
      if (name === 'IoRegisterFsRegistrationChange') isFileSystemFilter = true
    }
  }
  const found: DriverFacts['types'] = []
  for (const { type, modules } of rules) {
    const routine = routines.get(type)
    const module = modules && image.imports.find(({ dll }) => modules.test(dll))
    if (routine) found.push({ type, evidence: `imports ${routine.name} from ${routine.dll}` })
    else if (module) found.push({ type, evidence: `imports ${module.dll}` })
  }
  if (attach && isFileSystemFilter) {
    found.push({
      type: 'legacy-filter',
      evidence: `imports IoRegisterFsRegistrationChange and ${attach.name}`,
    })
  }
  const isFramework = found.some(({ type }) => type === 'KMDF' || type === 'UMDF')
  if (!isFramework && device) {
    found.push({ type: 'WDM', evidence: `imports ${device.name} from ${device.dll}` })
  }
  const kernel = image.imports.find(({ dll }) => kernelModules.test(dll))
  if (found.length === 0 && (kernel || image.subsystem === IMAGE_SUBSYSTEM_NATIVE)) {
    const what = kernel ? `imports ${kernel.dll}` : 'is a native image'
    found.push({ type: 'WDM', evidence: `${what} and uses no driver framework` })
  }
  return found
}
