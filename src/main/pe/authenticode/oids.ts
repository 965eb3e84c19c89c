/** Object identifiers of Authenticode, CMS and X.509, and the names people know them by. */

export const OID = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  countersignature: '1.2.840.113549.1.9.6',
  tstInfo: '1.2.840.113549.1.9.16.1.4',

  spcIndirectData: '1.3.6.1.4.1.311.2.1.4',
  spcSpOpusInfo: '1.3.6.1.4.1.311.2.1.12',
  spcPeImageData: '1.3.6.1.4.1.311.2.1.15',
  spcPageHashesV1: '1.3.6.1.4.1.311.2.3.1',
  spcPageHashesV2: '1.3.6.1.4.1.311.2.3.2',
  nestedSignature: '1.3.6.1.4.1.311.2.4.1',
  rfc3161TimeStamp: '1.3.6.1.4.1.311.3.3.1',

  certificateTrustList: '1.3.6.1.4.1.311.10.1',
  catalogueMember: '1.3.6.1.4.1.311.12.1.2',
  catalogueMemberV2: '1.3.6.1.4.1.311.12.1.3',
  catalogueNameValue: '1.3.6.1.4.1.311.12.2.1',

  subjectKeyId: '2.5.29.14',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',

  rsa: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  ec: '1.2.840.10045.2.1',
  dsa: '1.2.840.10040.4.1',

  ekuWhcp: '1.3.6.1.4.1.311.10.3.5',
  ekuAttestation: '1.3.6.1.4.1.311.10.3.5.1',
  ekuWindows: '1.3.6.1.4.1.311.10.3.6',
  ekuKernelMode: '1.3.6.1.4.1.311.61.1.1',
} as const

/** Names as Windows' certificate viewer shows them. */
const EKU_NAMES: Record<string, string> = {
  '1.3.6.1.5.5.7.3.1': 'Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'Client Authentication',
  '1.3.6.1.5.5.7.3.3': 'Code Signing',
  '1.3.6.1.5.5.7.3.4': 'Secure Email',
  '1.3.6.1.5.5.7.3.8': 'Time Stamping',
  '1.3.6.1.4.1.311.10.3.1': 'Microsoft Trust List Signing',
  '1.3.6.1.4.1.311.10.3.5': 'Windows Hardware Driver Verification',
  '1.3.6.1.4.1.311.10.3.5.1': 'Windows Hardware Driver Attested Verification',
  '1.3.6.1.4.1.311.10.3.6': 'Windows System Component Verification',
  '1.3.6.1.4.1.311.10.3.7': 'OEM Windows System Component Verification',
  '1.3.6.1.4.1.311.10.3.8': 'Embedded Windows System Component Verification',
  '1.3.6.1.4.1.311.10.3.13': 'Lifetime Signing',
  '1.3.6.1.4.1.311.10.3.22': 'Protected Process Light Verification',
  '1.3.6.1.4.1.311.10.3.23': 'Windows TCB Component',
  '1.3.6.1.4.1.311.10.3.24': 'Protected Process Verification',
  '1.3.6.1.4.1.311.10.3.25': 'Windows Third Party Application Component',
  '1.3.6.1.4.1.311.10.3.39': 'Windows Hardware Driver Extended Verification',
  '1.3.6.1.4.1.311.61.1.1': 'Kernel Mode Code Signing',
  '1.3.6.1.4.1.311.61.4.1': 'Early Launch Antimalware Driver',
  '1.3.6.1.4.1.311.76.8.1': 'Microsoft Publisher',
  '1.3.6.1.4.1.311.2.1.21': 'Individual Code Signing',
  '1.3.6.1.4.1.311.2.1.22': 'Commercial Code Signing',
  '2.5.29.37.0': 'Any Purpose',
}

export function ekuName(oid: string): string {
  return EKU_NAMES[oid] ?? ''
}

/** Digest names as Node's crypto takes them. */
const DIGESTS: Record<string, string> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
}

/** The digest an identifier names, for Node's crypto; null for one that is not supported. */
export function digestName(oid: string): string | null {
  return DIGESTS[oid] ?? null
}

interface SignatureAlgorithm {
  name: string
  digest: string | null
}

const SIGNATURES: Record<string, SignatureAlgorithm> = {
  '1.2.840.113549.1.1.1': { name: 'rsaEncryption', digest: null },
  '1.2.840.113549.1.1.2': { name: 'md2WithRSAEncryption', digest: null },
  '1.2.840.113549.1.1.4': { name: 'md5WithRSAEncryption', digest: 'md5' },
  '1.2.840.113549.1.1.5': { name: 'sha1WithRSAEncryption', digest: 'sha1' },
  // The name that old tools of OIW gave the same algorithm.
  '1.3.14.3.2.29': { name: 'sha1WithRSA', digest: 'sha1' },
  '1.2.840.113549.1.1.10': { name: 'rsassaPss', digest: null },
  '1.2.840.113549.1.1.11': { name: 'sha256WithRSAEncryption', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', digest: 'sha512' },
  '1.2.840.10040.4.3': { name: 'dsa-with-SHA1', digest: 'sha1' },
  '1.2.840.10045.4.1': { name: 'ecdsa-with-SHA1', digest: 'sha1' },
  '1.2.840.10045.4.3.2': { name: 'ecdsa-with-SHA256', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { name: 'ecdsa-with-SHA384', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { name: 'ecdsa-with-SHA512', digest: 'sha512' },
  '1.3.101.112': { name: 'Ed25519', digest: null },
}

/** Name and digest of a signature algorithm; the identifier itself when it has no name here. */
export function signatureAlgorithm(oid: string): SignatureAlgorithm {
  return SIGNATURES[oid] ?? { name: oid, digest: null }
}

const CURVES: Record<string, string> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
}

export function curveName(oid: string): string {
  return CURVES[oid] ?? oid
}

const ATTRIBUTES: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'E',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionL',
  '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC',
}

/** Short name of an attribute of a distinguished name, or the identifier. */
export function attributeName(oid: string): string {
  return ATTRIBUTES[oid] ?? oid
}
