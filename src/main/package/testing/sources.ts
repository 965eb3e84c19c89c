/** A small driver for tests, and packages of it. */
import { SigningPlan, type SigningChoice } from '../../../shared/package/signing'
import { buildPackage, type DriverPackage, type PackageSource } from '..'

export const source: PackageSource = {
  name: 'Hello',
  description: 'A driver of a test',
  imports: [{ dll: 'ntoskrnl.exe', functions: ['IoCreateDevice', 'IofCompleteRequest'] }],
  texts: ['\\Device\\Hello', '\\??\\Hello'],
  integrityCheck: true,
  devices: [],
}

export const packageOf = (
  choice: SigningChoice,
  more: Partial<PackageSource> = {},
): DriverPackage => buildPackage({ ...source, ...more }, SigningPlan.parse(choice))

/** HookSignTool's idea: a certificate that expired long ago, a young image, a time that was made up. */
export const FORGED: SigningChoice = {
  by: 'cross-signed',
  subject: 'Old Harbour Software',
  digest: 'sha1',
  validity: { from: '2012-03-01', to: '2014-03-01' },
  stamp: { kind: 'pkcs9', time: '2013-06-15T10:00:00Z', authority: 'homemade' },
  compiled: '2024-03-10T12:00:00Z',
}
