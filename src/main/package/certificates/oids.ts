/** Object identifiers that are written here; `pe/authenticode/oids.ts` has those that are read. */
export const OIDS = {
  commonName: '2.5.4.3',
  country: '2.5.4.6',
  organization: '2.5.4.10',

  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  netscapeComment: '2.16.840.1.113730.1.13',

  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  whcp: '1.3.6.1.4.1.311.10.3.5',
  attestation: '1.3.6.1.4.1.311.10.3.5.1',

  rsa: '1.2.840.113549.1.1.1',
  sha1WithRsa: '1.2.840.113549.1.1.5',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',

  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  countersignature: '1.2.840.113549.1.9.6',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  /** Of time stamps, in the arc for examples. */
  stampPolicy: '2.999.1.1',

  spcIndirectData: '1.3.6.1.4.1.311.2.1.4',
  spcStatementType: '1.3.6.1.4.1.311.2.1.11',
  spcSpOpusInfo: '1.3.6.1.4.1.311.2.1.12',
  spcPeImageData: '1.3.6.1.4.1.311.2.1.15',
  individualCodeSigning: '1.3.6.1.4.1.311.2.1.21',
  spcCabData: '1.3.6.1.4.1.311.2.1.25',
  rfc3161TimeStamp: '1.3.6.1.4.1.311.3.3.1',

  certificateTrustList: '1.3.6.1.4.1.311.10.1',
  catalogueList: '1.3.6.1.4.1.311.12.1.1',
  catalogueMember: '1.3.6.1.4.1.311.12.1.2',
  catalogueMemberV2: '1.3.6.1.4.1.311.12.1.3',
  catalogueNameValue: '1.3.6.1.4.1.311.12.2.1',
} as const
