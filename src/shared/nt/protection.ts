/** Names of PS_PROTECTION, the byte of EPROCESS that says how a process is protected. */

/** PS_PROTECTED_SIGNER. */
const SIGNERS = [
  'None',
  'Authenticode',
  'CodeGen',
  'Antimalware',
  'Lsa',
  'Windows',
  'WinTcb',
  'WinSystem',
  'App',
]

/** `PsProtectedSignerLsa-Light` as Process Explorer shows it; null for a process that is not protected. */
export function protectionName(protection: number): string | null {
  const type = protection & 7
  if (type === 0) return null
  const signer = `PsProtectedSigner${SIGNERS[protection >>> 4] ?? protection >>> 4}`
  return type === 1 ? `${signer}-Light` : signer
}
