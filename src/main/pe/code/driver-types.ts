/** What kind of driver a file is, from what it imports and exports. Several kinds may hold. */
import type { DriverFacts, Image } from '../../../shared/driver-file/facts'

type DriverType = DriverFacts['types'][number]['type']

const IMAGE_SUBSYSTEM_NATIVE = 1

interface Rule {
  readonly type: DriverType
  /** Modules that alone tell. */
  readonly modules?: RegExp
  /** Functions of which one is enough. */
  readonly functions?: RegExp
}

const rules: readonly Rule[] = [
  { type: 'KMDF', modules: /^wdfldr\.sys$/i, functions: /^WdfVersionBind(Class)?$/ },
  { type: 'UMDF', modules: /^wudf(x\d*|platform)\.dll$/i },
  { type: 'minifilter', functions: /^FltRegisterFilter$/ },
  {
    type: 'NDIS',
    functions:
      /^Ndis(M?Register(Miniport|MiniportDriver|ProtocolDriver|Protocol)|FRegisterFilterDriver|MInitializeWrapper|InitializeWrapper|IMRegisterLayeredMiniport)$/,
  },
  { type: 'WFP', modules: /^fwpkclnt\.sys$/i },
  { type: 'stream', modules: /^(ks|portcls|stream)\.sys$/i },
  { type: 'storport', modules: /^(storport|scsiport)\.sys$/i },
  { type: 'display', modules: /^(dxgkrnl|videoprt|win32k|watchdog|displib)\.sys$/i },
]

/** Routines of the I/O manager that only a driver with devices or dispatch routines of its own needs. */
const wdmRoutines =
  /^(IoCreateDevice|IoCreateDeviceSecure|WdmlibIoCreateDeviceSecure|IoAttachDevice\w*|IofCompleteRequest|IofCallDriver|IoCompleteRequest|IoCallDriver)$/
const kernelModules = /^(ntoskrnl\.exe|ntkrnl\w+\.exe|hal\.dll|wdm\.sys)$/i

export function driverTypes(image: Image): DriverFacts['types'] {
  const functions = image.imports.flatMap(({ dll, functions: list }) =>
    list.flatMap(({ name }) => (name === null ? [] : [{ dll, name }])),
  )
  const found: DriverFacts['types'] = []
  for (const { type, modules, functions: names } of rules) {
    const routine = names && functions.find(({ name }) => names.test(name))
    const module = modules && image.imports.find(({ dll }) => modules.test(dll))
    if (routine) found.push({ type, evidence: `imports ${routine.name} from ${routine.dll}` })
    else if (module) found.push({ type, evidence: `imports ${module.dll}` })
  }
  const has = (name: string): boolean => functions.some((item) => item.name === name)
  const attach = functions.find(({ name }) => name.startsWith('IoAttachDeviceToDeviceStack'))
  if (attach && has('IoRegisterFsRegistrationChange')) {
    found.push({
      type: 'legacy-filter',
      evidence: `imports IoRegisterFsRegistrationChange and ${attach.name}`,
    })
  }
  const isFramework = found.some(({ type }) => type === 'KMDF' || type === 'UMDF')
  const device = functions.find(({ name }) => wdmRoutines.test(name))
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
