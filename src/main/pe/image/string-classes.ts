/** What a text in a driver is about. A text can be of several classes, and most are of none. */
import type { FileString } from '../../../shared/driver-file/facts'
import { isProcessName, securityProductOf } from './security-products'
import { SIGN } from './signs'

type StringClass = FileString['classes'][number]

const notInIdentifiers =
  SIGN.backslash |
  SIGN.slash |
  SIGN.dot |
  SIGN.colon |
  SIGN.percent |
  SIGN.parenthesis |
  SIGN.hyphen

const topLevelDomains = [
  'com|net|org|info|biz|io|co|me|cc|tv|ws|to|gov|edu|top|xyz|site|online|club|vip|shop|live|pro',
  'app|dev|cloud|ru|su|cn|tw|hk|jp|kr|in|de|fr|uk|it|es|nl|pl|ua|by|kz|ir|br|eu|ch|at|cz|se|no|pw|tk',
].join('|')

interface Pattern {
  class: StringClass
  /** All of these signs must be in the text. */
  signs: number
  pattern: RegExp
}

/** Every pattern is linear: hostile texts are matched against them. */
const patterns: Pattern[] = [
  { class: 'device', signs: SIGN.backslash, pattern: /\\Device\\./i },
  {
    class: 'symbolic-link',
    signs: SIGN.backslash,
    pattern: /\\(?:DosDevices|(?:GLOBAL)?\?\?)\\.|^\\\\\.\\./i,
  },
  {
    class: 'registry',
    signs: SIGN.backslash,
    pattern:
      /\\Registry\\|\bHK(?:EY_|LM\\|CU\\)|\b(?:CurrentControlSet|ControlSet00\d)\b|\bSOFTWARE\\/i,
  },
  {
    class: 'path',
    signs: SIGN.backslash,
    pattern:
      /(?:^|[^\w])[A-Z]:\\[^\\]|\\SystemRoot\\|%\w{1,40}%\\|\\(?:System32|SysWOW64|drivers)\\/i,
  },
  { class: 'pdb', signs: SIGN.dot, pattern: /\.pdb$/i },
  { class: 'url', signs: SIGN.colon | SIGN.slash, pattern: /\b(?:https?|ftp|wss?|tcp):\/\/\S/i },
  {
    class: 'domain',
    signs: SIGN.dot,
    pattern: new RegExp(
      `(?:^|[^\\w.-])(?:[a-z0-9-]{2,63}\\.){1,8}(?:${topLevelDomains})(?![\\w.-])`,
      'i',
    ),
  },
  {
    class: 'sddl',
    signs: SIGN.colon | SIGN.parenthesis,
    pattern: /[DS]:[PARI]{0,6}\((?:A|D|O[AD]|AU|AL|X[AD]|ML);/,
  },
  {
    class: 'guid',
    signs: SIGN.hyphen,
    pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/i,
  },
  {
    class: 'format',
    signs: SIGN.percent,
    pattern: /%[-+#0]{0,3}\d{0,3}(?:\.\d{1,3})?(?:hh?|ll?|I64|I32|w|z)?[diuoxXcCsSpZ]/,
  },
]

const ipv4 = /(?:^|[^\w.])((?:\d{1,3}\.){3}\d{1,3})(?![\w.])/
const routine =
  /^(?:Zw|Nt|Io|Ke|Ki|Mm|Mi|Ps|Psp|Rtl|Ob|Ex|Se|Cm|Po|Hal|Cc|Etw|Dbg|Kd|Alpc|FsRtl|Tm|Wmi|Whea|Flt|Fwpm|Fwps|Ndis|Wdf|Wsk|Tdi|Clfs|BCrypt)[A-Z][A-Za-z0-9]{2,60}$/

/** @param signs of all characters of the text, joined */
export function classify(text: string, signs: number): StringClass[] {
  const classes: StringClass[] = []
  for (const candidate of patterns) {
    if ((signs & candidate.signs) === candidate.signs && candidate.pattern.test(text)) {
      classes.push(candidate.class)
    }
  }
  if ((signs & SIGN.dot) !== 0) {
    if (hasAddress(text)) classes.push('ip')
    // Names of programs and drivers have endings of three letters.
    if (text.at(-4) === '.') {
      if (isProcessName(text)) classes.push('process')
      if (securityProductOf(text) !== null) classes.push('security-product')
    }
  } else if ((signs & (notInIdentifiers | SIGN.other)) === 0 && routine.test(text)) {
    classes.push('routine')
  }
  return classes
}

/** An IPv4 address; four single digits are a version number. */
function hasAddress(text: string): boolean {
  const [, address] = ipv4.exec(text) ?? []
  if (address === undefined || address.length <= 7) return false
  const parts = address.split('.').map(Number)
  return parts[0] > 0 && parts.every((part) => part <= 255)
}
