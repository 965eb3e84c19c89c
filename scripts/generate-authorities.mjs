// `node scripts/generate-authorities.mjs FOLDER`: writes data/indicators/public-roots.json from the
// certificates in FOLDER, one PEM file each (Debian: /usr/share/ca-certificates/mozilla). Kept are
// roots of authorities that sign code or stamp times and that Windows ships with: name, thumbprints
// and public key, so that a chain whose root was left out can still be verified.

import { X509Certificate, createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from './lib/log.mjs'

const WANTED = [
  /^DigiCert_(?!TLS)/,
  /^(GlobalSign_(Root_CA|ECC|Root_[ER]46)|Entrust|COMODO|USERTrust|Certum|Go_Daddy|Starfield_(Class|Root))/,
  /^(SSL\.com_(Root|EV)|QuoVadis|SwissSign|TWCA_(Root|Global)|Security_Communication_RootCA2|Actalis)/,
  /^(Baltimore|Buypass|D-TRUST_Root_Class|IdenTrust_Commercial|Izenpe|T-TeleSec_GlobalRoot_Class_3)/,
  /^(Certigna|Hellenic.*_RootCA_2015|Microsec|e-Szigno|emSign_Root|SecureTrust|XRamp|ePKI)/,
  /^(certSIGN|GDCA|CFCA|TUBITAK|OISTE_WISeKey_Global_Root_GB|AffirmTrust_Commercial|NetLock)/,
]

function entryOf(pem) {
  const certificate = new X509Certificate(pem)
  const hash = (name) => createHash(name).update(certificate.raw).digest('hex')
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  const subject = certificate.subject.split('\n').reverse()
  const name = ['CN', 'OU', 'O']
    .map((type) => subject.find((part) => part.startsWith(`${type}=`)))
    .find((part) => part)
  return {
    name: name?.slice(name.indexOf('=') + 1) ?? '',
    role: 'public',
    sha1: hash('sha1'),
    sha256: hash('sha256'),
    key: key.toString('base64'),
  }
}

await main(() => {
  const [folder] = process.argv.slice(2)
  if (!folder) throw new Error('Name the folder with the PEM files of the roots.')
  const entries = readdirSync(folder)
    .filter((file) => WANTED.some((pattern) => pattern.test(file)))
    .map((file) => entryOf(readFileSync(join(folder, file))))
    .sort((a, b) => (a.name + a.sha256 < b.name + b.sha256 ? -1 : 1))
  const target = join(import.meta.dirname, '../data/indicators/public-roots.json')
  writeFileSync(target, `${JSON.stringify(entries, null, 2)}\n`)
  console.log(`${entries.length} roots in ${target}`)
})
