/** XML of a policy as nodes: attributes, text and children by name. No entities, no document type. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { fail, ok, type Result } from '../../../shared/errors'

export const XML_BYTES_MAX = 20_000_000
const DEPTH_MAX = 20

const ATTRIBUTES = '@'
const TEXT = '#'

const NO_POLICY =
  'Import the XML of a policy, such as the driver block rules that Microsoft publishes.'

/** The five entities of XML and character references; anything else stays as written. */
function decoded(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
  return text.replace(
    /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (all, name, dec, hex) => {
      if (name) return named[String(name).toLowerCase()] ?? String(all)
      const code = dec ? Number(dec) : parseInt(String(hex), 16)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : String(all)
    },
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class XmlNode {
  readonly #value: unknown
  constructor(value: unknown) {
    this.#value = value
  }

  #get(key: string): unknown {
    return isObject(this.#value) && Object.hasOwn(this.#value, key) ? this.#value[key] : undefined
  }

  /** Value of an attribute without outer blanks; null when it is not there or empty. */
  attribute(name: string): string | null {
    const attributes = this.#get(ATTRIBUTES)
    const value = isObject(attributes) && Object.hasOwn(attributes, name) ? attributes[name] : ''
    const text = decoded(String(value)).replaceAll('\0', '').trim()
    return text === '' ? null : text
  }

  children(...path: string[]): XmlNode[] {
    const [name, ...rest] = path
    if (name === undefined) return [this]
    const found = this.#get(name)
    const nodes = (Array.isArray(found) ? found : []).map((value) => new XmlNode(value))
    return nodes.flatMap((node) => node.children(...rest))
  }

  /** Text of the first node at this path. */
  text(...path: string[]): string | null {
    const [node] = this.children(...path)
    const value = node ? (isObject(node.#value) ? node.#get(TEXT) : node.#value) : null
    const text = decoded(String(value ?? '')).trim()
    return text === '' ? null : text
  }
}

/** @errors `file-invalid` with file and line */
export function parseXml(text: string, fileName: string): Result<XmlNode> {
  if (text.length > XML_BYTES_MAX) {
    const size = Math.round(text.length / 1e6)
    return fail(
      'file-invalid',
      `${fileName} is too large for a policy: ${size} MB of at most 20 MB.`,
      NO_POLICY,
    )
  }
  const type = /<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST)/i.exec(text)
  if (type) {
    const line = text.slice(0, type.index).split('\n').length
    return fail(
      'file-invalid',
      `${fileName}, line ${line} declares a document type; no policy does.`,
      NO_POLICY,
    )
  }
  const refused = (line: number, reason: string): Result<never> =>
    fail('file-invalid', `${fileName}, line ${line} is not valid XML: ${reason}`, NO_POLICY)
  const deep = tooDeepLine(text)
  if (deep !== null) return refused(deep, `nested deeper than ${DEPTH_MAX} elements.`)
  const valid = XMLValidator.validate(text)
  if (valid !== true) return refused(valid.err.line, valid.err.msg)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    attributesGroupName: ATTRIBUTES,
    textNodeName: TEXT,
    removeNSPrefix: true,
    parseAttributeValue: false,
    parseTagValue: false,
    processEntities: false,
    isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
  })
  try {
    return ok(new XmlNode(parser.parse(text)))
  } catch (error) {
    // Names such as `constructor`, which the parser does not take.
    const reason = error instanceof Error ? error.message : String(error)
    return fail('file-invalid', `${fileName} cannot be read as XML: ${reason}`, NO_POLICY)
  }
}

/** The line where elements are nested beyond all reason, before a parser recurses into them. */
function tooDeepLine(text: string): number | null {
  let depth = 0
  for (const mark of text.matchAll(/<!--|<\/|<[A-Za-z_]|\/>/g)) {
    if (mark[0] === '</' || mark[0] === '/>') depth -= depth > 0 ? 1 : 0
    else if (mark[0] !== '<!--') depth += 1
    if (depth > DEPTH_MAX) return text.slice(0, mark.index).split('\n').length
  }
  return null
}
