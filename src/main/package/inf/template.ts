/** The INF of a toy driver, to be changed by hand: what installs its service and copies its file. */

export interface InfPlan {
  /** Service name; files are called after it. */
  name: string
  description: string
  provider: string
  /** `2024-05-01`, and four numbers. */
  date: string
  version: string
  /** Hardware ids that the driver serves; without any it is a service that somebody starts. */
  devices: readonly { id: string; description: string }[]
}

/** `System` and the class for drivers of no class, which is what samples in the documentation take. */
const DEVICE_CLASS = { name: 'System', guid: '{4d36e97d-e325-11ce-bfc1-08002be10318}' }

export function infText(plan: InfPlan): string {
  const { name, version } = plan
  const [year, month, day] = plan.date.slice(0, 10).split('-')
  const hasDevices = plan.devices.length > 0
  const section = hasDevices ? `${name}_Device` : 'DefaultInstall'
  const lines = [
    `; ${name}.inf, made by Ring0 Lab: its image does nothing on a real machine.`,
    '',
    '[Version]',
    'Signature   = "$Windows NT$"',
    `Class       = ${DEVICE_CLASS.name}`,
    `ClassGuid   = ${DEVICE_CLASS.guid}`,
    'Provider    = %Provider%',
    `CatalogFile = ${name}.cat`,
    `DriverVer   = ${month}/${day}/${year},${version}`,
    'PnpLockdown = 1',
    '',
    '[DestinationDirs]',
    'DefaultDestDir = 13',
    '',
    '[SourceDisksNames]',
    '1 = %Disk%',
    '',
    '[SourceDisksFiles]',
    `${name}.sys = 1`,
    '',
    ...(hasDevices ? models(plan) : []),
    `[${section}.NTamd64]`,
    `CopyFiles = ${name}_Files`,
    '',
    `[${name}_Files]`,
    `${name}.sys`,
    '',
    `[${section}.NTamd64.Services]`,
    `AddService = ${name}, ${hasDevices ? '0x00000002' : ''}, ${name}_Service`,
    '',
    `[${name}_Service]`,
    'DisplayName   = %Description%',
    'ServiceType   = 1 ; SERVICE_KERNEL_DRIVER',
    'StartType     = 3 ; SERVICE_DEMAND_START',
    'ErrorControl  = 1 ; SERVICE_ERROR_NORMAL',
    `ServiceBinary = %13%\\${name}.sys`,
    '',
    '[Strings]',
    `Provider    = ${quoted(plan.provider)}`,
    `Description = ${quoted(plan.description)}`,
    'Disk        = "Installation disk"',
    ...plan.devices.map(
      ({ description }, index) => `Device${index + 1}     = ${quoted(description)}`,
    ),
  ]
  return `${lines.join('\r\n')}\r\n`
}

function models({ name, devices }: InfPlan): string[] {
  return [
    '[Manufacturer]',
    `%Provider% = ${name}_Models, NTamd64`,
    '',
    `[${name}_Models.NTamd64]`,
    ...devices.map(({ id }, index) => `%Device${index + 1}% = ${name}_Device, ${id}`),
    '',
  ]
}

const quoted = (text: string): string => `"${text.replace(/[\r\n]/g, ' ').replaceAll('"', '""')}"`
