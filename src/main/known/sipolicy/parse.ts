/** SiPolicy XML to the rules that can block a driver. */
import { fail, ok, type Result } from '../../../shared/errors'
import type { AllowRule, FileAttributes, SignerRule, SiPolicy } from './policy'
import { parseXml, type XmlNode } from './xml'

/** Kernel mode. Scenario 12 is user mode and says nothing of drivers. */
const DRIVERS = '131'
const NOTES_MAX = 100

const VERSION = /^\d{1,5}(\.\d{1,5}){0,3}$/
const HASH = /^([0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96})$/

/**
 * Read a policy.
 * @param fileName for messages, and as the name of a policy that has none
 * @errors `file-invalid` with file and line for broken XML and for XML that is no policy
 */
export function parseSiPolicy(text: string, fileName: string): Result<SiPolicy> {
  const xml = parseXml(text.startsWith('\uFEFF') ? text.slice(1) : text, fileName)
  if (!xml.ok) return xml
  const [root] = xml.value.children('SiPolicy')
  if (!root) {
    return fail(
      'file-invalid',
      `${fileName} is XML, but its first element is not SiPolicy.`,
      'Import the XML of a policy; a compiled one (.p7b, .cip) is not read.',
    )
  }
  return ok(new PolicyReader(root, fileName).read())
}

class PolicyReader {
  readonly #root: XmlNode
  readonly #fileName: string
  readonly #notes: string[] = []
  readonly #rules = new Map<string, { kind: string; rule: AllowRule }>()

  constructor(root: XmlNode, fileName: string) {
    this.#root = root
    this.#fileName = fileName
  }

  read(): SiPolicy {
    this.#readFileRules()
    const scenarios = this.#root
      .children('SigningScenarios', 'SigningScenario')
      .filter((scenario) => scenario.attribute('Value') === DRIVERS)
    if (scenarios.length === 0) {
      this.#note('No signing scenario 131: nothing in this policy is about drivers.')
    }
    const products = scenarios.flatMap((scenario) => scenario.children('ProductSigners'))
    const refs = products.flatMap((product) => product.children('FileRulesRef', 'FileRuleRef'))
    const denied = new Set(refs.map((ref) => ref.attribute('RuleID')))
    const denials = [...this.#rules]
      .filter(([id, { kind }]) => kind === 'Deny' && denied.has(id))
      .map(([, { rule }]) => rule)
    const signers = products.flatMap((product) => this.#deniedSigners(product))
    return {
      name: this.#setting('Name') ?? this.#root.attribute('FriendlyName') ?? this.#fileName,
      version: this.#root.text('VersionEx') ?? '',
      policyId: this.#root.text('PolicyID') ?? this.#root.text('PolicyTypeID'),
      hashes: denials.flatMap((rule) => ('hash' in rule ? [rule.hash] : [])),
      files: denials.flatMap((rule) => ('file' in rule ? [rule.file] : [])),
      signers,
      notes: this.#notes,
    }
  }

  #note(text: string): void {
    if (this.#notes.length < NOTES_MAX) this.#notes.push(text)
    else if (this.#notes.length === NOTES_MAX) this.#notes.push('More notes were left out.')
  }

  #setting(name: string): string | null {
    const setting = this.#root
      .children('Settings', 'Setting')
      .find((node) => node.attribute('ValueName') === name)
    return setting?.text('Value', 'String') ?? null
  }

  #readFileRules(): void {
    for (const kind of ['Deny', 'Allow', 'FileAttrib']) {
      for (const node of this.#root.children('FileRules', kind)) {
        const id = node.attribute('ID')
        const rule = id === null ? null : this.#fileRule(node, id)
        if (id !== null && rule !== null) this.#rules.set(id, { kind, rule })
      }
    }
  }

  #fileRule(node: XmlNode, id: string): AllowRule | null {
    const name = node.attribute('FriendlyName') ?? ''
    const hash = node.attribute('Hash')?.toLowerCase() ?? null
    if (hash !== null) {
      if (HASH.test(hash)) return { hash: { id, name, hash } }
      this.#note(`${id}: Hash is no SHA-1, SHA-256 or SHA-384 value; the rule is left out.`)
      return null
    }
    const file: FileAttributes = {
      id,
      name,
      fileName: node.attribute('FileName'),
      internalName: node.attribute('InternalName'),
      fileDescription: node.attribute('FileDescription'),
      productName: node.attribute('ProductName'),
      minimumVersion: node.attribute('MinimumFileVersion'),
      maximumVersion: node.attribute('MaximumFileVersion'),
    }
    for (const version of [file.minimumVersion, file.maximumVersion]) {
      if (version === null || VERSION.test(version)) continue
      this.#note(`${id}: ${version.slice(0, 40)} is no file version; the rule is left out.`)
      return null
    }
    const { fileName, internalName, fileDescription, productName } = file
    if (fileName ?? internalName ?? fileDescription ?? productName) return { file }
    const other = ['FilePath', 'PackageFamilyName', 'AppIDs'].find((key) => node.attribute(key))
    this.#note(
      other
        ? `${id}: ${other} is not evaluated: it says nothing that is in a driver file.`
        : `${id} names neither a hash nor a file; the rule is left out.`,
    )
    return null
  }

  #deniedSigners(product: XmlNode): SignerRule[] {
    const signers = new Map(
      this.#root.children('Signers', 'Signer').map((node) => [node.attribute('ID'), node]),
    )
    return product.children('DeniedSigners', 'DeniedSigner').flatMap((denied) => {
      const id = denied.attribute('SignerId') ?? denied.attribute('SignerID')
      const node = signers.get(id)
      if (id === null || !node) {
        this.#note(`A denied signer names ${id ?? 'nothing'}, which is not in the policy.`)
        return []
      }
      const exceptions = denied
        .children('ExceptAllowRule')
        .map((except) => this.#rules.get(except.attribute('AllowRuleID') ?? ''))
        .flatMap((found) => (found?.kind === 'Allow' ? [found.rule] : []))
      return this.#signer(node, id, exceptions)
    })
  }

  #signer(node: XmlNode, id: string, exceptions: AllowRule[]): SignerRule[] {
    const [root] = node.children('CertRoot')
    const type = root?.attribute('Type') ?? ''
    const tbs = root?.attribute('Value')?.toLowerCase() ?? ''
    if (!/^tbs$/i.test(type) || !/^([0-9a-f]{2}){16,64}$/.test(tbs)) {
      this.#note(
        /^wellknown$/i.test(type)
          ? `${id}: well-known root ${tbs} is a number inside Windows; the signer is not evaluated.`
          : `${id} has no usable CertRoot; the signer is left out.`,
      )
      return []
    }
    const refs = node.children('FileAttribRef').map((ref) => ref.attribute('RuleID') ?? '')
    const files = refs.flatMap((ref) => {
      const found = this.#rules.get(ref)?.rule
      return found && 'file' in found ? [found.file] : []
    })
    if (refs.length > 0 && files.length === 0) {
      this.#note(`${id} is about files that the policy does not describe; the signer is left out.`)
      return []
    }
    const value = (name: string): string | null =>
      node.children(name)[0]?.attribute('Value') ?? null
    const ekus = node.children('CertEKU').map((eku) => this.#eku(eku.attribute('ID')))
    if (ekus.includes(null)) {
      this.#note(`${id}: a CertEKU is not in the policy; the signer is left out.`)
      return []
    }
    return [
      {
        id,
        name: node.attribute('Name') ?? '',
        tbs,
        publisher: value('CertPublisher'),
        issuer: value('CertIssuer'),
        oem: value('CertOemID'),
        ekus: ekus.filter((eku) => eku !== null),
        signedAfter: node.attribute('SignTimeAfter'),
        files,
        exceptions,
      },
    ]
  }

  /** `010A2B0601040182370A0306` (01, length, contents of the OID) as dotted text. */
  #eku(id: string | null): string | null {
    const node = this.#root.children('EKUs', 'EKU').find((eku) => eku.attribute('ID') === id)
    const bytes = [...(node?.attribute('Value') ?? '').matchAll(/[0-9a-f]{2}/gi)]
    return dottedOid(bytes.slice(2).map(([pair]) => parseInt(pair, 16)))
  }
}

function dottedOid(contents: number[]): string | null {
  const arcs: number[] = []
  let value = 0
  for (const byte of contents) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(value)
      value = 0
    }
  }
  const [head, ...rest] = arcs
  if (head === undefined) return null
  const first = Math.min(Math.floor(head / 40), 2)
  return [first, head - first * 40, ...rest].join('.')
}
