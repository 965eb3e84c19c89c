/**
 * A driver package out of a toy driver: `.sys`, `.inf`, `.cat`, signed by simulated authorities. Facts
 * in, bytes out; the same facts give the same bytes. Nothing here signs a file that was not built here.
 */
import { createHash } from 'node:crypto'
import type { Evidence, Image, Signature } from '../../shared/driver-file/facts'
import type { CatalogueFacts } from '../../shared/driver-file/package-facts'
import type { InfProblem, PackagePart } from '../../shared/package/report'
import type { SigningPlan } from '../../shared/package/signing'
import { AnomalyList } from '../pe/anomalies'
import { readCatalogue, readSignatures } from '../pe/authenticode'
import { Deadline } from '../pe/deadline'
import { readImage } from '../pe/image'
import { Reader } from '../pe/reader'
import { revocationListOf } from './certificates/revocation'
import { signerOf } from './certificates/authorities'
import type { Issued } from './certificates/certificate'
import { buildImage } from './image/build'
import type { ImportedModule } from './image/imports'
import { checkInf } from './inf/check'
import { infText } from './inf/template'
import { imageDigest, signImage } from './signature/authenticode'
import { buildCatalogue } from './signature/catalogue'
import { digestOf } from './signature/cms'

export type { ImportedModule } from './image/imports'

/** What a toy driver says of itself. */
export interface PackageSource {
  /** Service name; the files are called after it in lower case. */
  name: string
  description: string
  imports: readonly ImportedModule[]
  /** Names of devices and links, to stand in the image. */
  texts: readonly string[]
  integrityCheck: boolean
  devices: readonly { id: string; description: string }[]
}

export interface DriverPackage {
  /** Base name of the files. */
  name: string
  image: Uint8Array
  inf: Uint8Array
  catalogue: Uint8Array | null
  revocationList: Uint8Array | null
}

/** What is read from a package, as the Catalogue reads it. */
export interface PackageReading {
  image: Image | null
  signatures: Signature[]
  evidence: Evidence[]
  catalogue: CatalogueFacts | null
  parts: PackagePart[]
  problems: InfProblem[]
}

/**
 * Build a package.
 * @param inf text in place of the one that the driver gets by itself
 */
export function buildPackage(
  source: PackageSource,
  plan: SigningPlan,
  inf?: string,
): DriverPackage {
  const name = source.name.toLowerCase()
  const signer = signerOf(plan)
  const plain = buildImage({
    compiled: Date.parse(plan.compiled),
    imports: source.imports,
    texts: source.texts,
    integrityCheck: source.integrityCheck,
    writableCode: plan.writableCode,
    version: {
      fileVersion: plan.version,
      strings: {
        CompanyName: `${plan.subject} (simulated)`,
        FileDescription: source.description,
        FileVersion: plan.version,
        InternalName: source.name,
        OriginalFilename: `${name}.sys`,
        ProductName: 'Ring0 Lab toy driver',
        ProductVersion: plan.version,
      },
    },
  })
  const infBytes = new Uint8Array(Buffer.from(inf ?? defaultInf(source, plan), 'utf8'))
  return {
    name,
    image: signer && plan.where !== 'catalogue' ? signImage(plain, plan, signer) : plain,
    inf: infBytes,
    catalogue:
      signer && plan.where !== 'embedded'
        ? catalogueOf(source, plan, signer, plain, infBytes)
        : null,
    revocationList:
      signer && plan.revoked ? revocationListOf(signer, Date.parse(plan.validity.from)) : null,
  }
}

/** The INF that a driver gets by itself. */
export function defaultInf(source: PackageSource, plan: SigningPlan): string {
  return infText({
    name: source.name.toLowerCase(),
    description: source.description,
    provider: `${plan.subject} (simulated)`,
    date: plan.compiled,
    version: plan.version,
    devices: source.devices,
  })
}

function catalogueOf(
  source: PackageSource,
  plan: SigningPlan,
  signer: Issued,
  plain: Uint8Array,
  inf: Uint8Array,
): Uint8Array {
  const name = source.name.toLowerCase()
  const { digest } = plan
  return buildCatalogue(
    {
      members: [
        { file: `${name}.sys`, digest: imageDigest(plain, digest), isImage: true },
        { file: `${name}.inf`, digest: digestOf(digest, inf), isImage: false },
      ],
      hardwareIds: source.devices.map(({ id }) => id),
      time: Date.parse(plan.stamp?.time ?? plan.compiled),
    },
    plan,
    signer,
  )
}

/** Files of a package by their names, in the order in which they are shown. */
export function packageFiles(made: DriverPackage): { name: string; bytes: Uint8Array }[] {
  const { name, image, inf, catalogue, revocationList } = made
  return [
    { name: `${name}.sys`, bytes: image },
    { name: `${name}.inf`, bytes: inf },
    ...(catalogue ? [{ name: `${name}.cat`, bytes: catalogue }] : []),
    ...(revocationList ? [{ name: `${name}.crl`, bytes: revocationList }] : []),
  ]
}

const KINDS: Record<string, PackagePart['kind']> = {
  sys: 'image',
  inf: 'inf',
  cat: 'catalogue',
  crl: 'revocation-list',
}

/** Time for one image, in ms; those that are built here take a thousandth of it. */
const MILLISECONDS = 2000

/** An image and its signatures, without what disassembling it would tell. */
export function readSigned(
  bytes: Uint8Array,
  catalogues: readonly { name: string; bytes: Uint8Array }[],
): Pick<PackageReading, 'image' | 'signatures' | 'evidence'> {
  const anomalies = new AnomalyList()
  const deadline = new Deadline(MILLISECONDS)
  const image = readImage({ reader: new Reader(bytes), anomalies, deadline })
  if (!image) return { image, signatures: [], evidence: [] }
  const { signatures, evidence } = readSignatures(bytes, image, { catalogues })
  return { image, signatures, evidence }
}

/** Read a package back: nothing that is told of it comes from how it was made. */
export function readPackage(made: DriverPackage): PackageReading {
  const catalogues = made.catalogue ? [{ name: `${made.name}.cat`, bytes: made.catalogue }] : []
  const { image, signatures, evidence } = readSigned(made.image, catalogues)
  const catalogue = made.catalogue ? readCatalogue(made.catalogue) : null
  const listed = new Set(catalogue?.members.map(({ digest }) => digest))
  const names = { image: `${made.name}.sys`, catalogue: `${made.name}.cat` }
  const { problems } = checkInf(made.inf, names)
  if (!made.catalogue)
    problems.push({
      line: 1,
      severity: 'warning',
      message: `The package has no ${made.name}.cat: nothing vouches for this file.`,
      hint: 'Put the signature into the catalogue too ("where": "both").',
    })
  const parts = packageFiles(made).map(({ name, bytes }): PackagePart => {
    const kind = KINDS[name.split('.').at(-1)!]!
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const algorithm = catalogue?.members[0]?.algorithm === 'sha1' ? 'sha1' : 'sha256'
    const listedBy =
      kind === 'image'
        ? (image?.authentihash?.[algorithm] ?? null)
        : kind === 'inf'
          ? createHash(algorithm).update(bytes).digest('hex')
          : null
    const isListed = catalogue && listedBy ? listed.has(listedBy) : null
    return { name, kind, size: bytes.length, sha256, listedBy, isListed }
  })
  return { image, signatures, evidence, catalogue, parts, problems }
}
