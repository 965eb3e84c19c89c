/** Words of the Package page. */
import type { SignerKind } from '../../../../shared/package/signing'
import type { RuleId } from '../../../../shared/package/policy'

export const SIGNER_WORDS: Record<SignerKind, string> = {
  whcp: 'Microsoft, after the tests (WHCP)',
  attestation: 'Microsoft, attested',
  'cross-signed': 'A company, cross-signed',
  test: 'A test authority',
  self: 'Itself',
  none: 'Nobody',
}

export const RULE_WORDS: Record<RuleId, string> = {
  signed: 'Signed',
  digest: 'Unchanged',
  sha2: 'Digest it can read',
  root: 'Trusted root',
  'test-signing': 'Test signing',
  purpose: 'Purpose',
  validity: 'Valid when signed',
  'stamp-root': 'Known time stamp',
  revocation: 'Not revoked',
  portal: 'Portal, or an exception',
  'block-list': 'Not on the block list',
  'memory-integrity': 'Memory integrity',
}

export function bytes(size: number): string {
  return size < 1024 ? `${size} B` : `${(size / 1024).toFixed(1)} KB`
}
