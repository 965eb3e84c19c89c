/** Ways of signing worth trying: each fills in the whole form. */
import type { SigningChoice } from '../../../../shared/package/signing'

export interface Preset {
  id: string
  label: string
  signing: SigningChoice
}

export const PRESETS: readonly Preset[] = [
  {
    id: 'whcp',
    label: 'Tested (WHCP)',
    signing: { by: 'whcp', stamp: { kind: 'rfc3161', time: '2024-05-02T09:00:00Z' } },
  },
  {
    id: 'attestation',
    label: 'Attested by the portal',
    signing: { by: 'attestation', stamp: { kind: 'rfc3161', time: '2024-05-02T09:00:00Z' } },
  },
  {
    id: 'cross-signed',
    label: 'Cross-signed, new certificate',
    signing: { by: 'cross-signed', stamp: { kind: 'rfc3161', time: '2024-05-02T09:00:00Z' } },
  },
  {
    id: 'test',
    label: 'Test-signed',
    signing: { by: 'test', subject: 'Developer' },
  },
  {
    id: 'revoked',
    label: 'Cross-signed, revoked',
    signing: {
      by: 'cross-signed',
      validity: { from: '2014-01-01', to: '2026-01-01' },
      revoked: true,
    },
  },
  {
    id: 'forged',
    label: 'Expired, forged time',
    signing: {
      by: 'cross-signed',
      subject: 'Old Harbour Software',
      digest: 'sha1',
      validity: { from: '2012-03-01', to: '2014-03-01' },
      stamp: { kind: 'pkcs9', time: '2013-06-15T10:00:00Z', authority: 'homemade' },
      where: 'embedded',
      compiled: '2024-03-10T12:00:00Z',
    },
  },
  { id: 'none', label: 'Not signed', signing: { by: 'none' } },
]
