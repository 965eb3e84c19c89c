/** Names and addresses: questions for the A record of a name, and their replies, as RFC 1035 has them. */
import { bytesOfText, textOfBytes } from './text'

export const DNS_PORT = 53
const HEADER_BYTES = 12
const LABEL_MAX = 63
const TYPE_A_CLASS_IN = [0, 1, 0, 1]
const FLAGS_QUERY = [0x01, 0x00]
const FLAGS_REPLY = [0x81, 0x80]
const FLAGS_NO_SUCH_NAME = [0x81, 0x83]
/** A name that stands where the question has it. */
const NAME_OF_QUESTION = [0xc0, HEADER_BYTES]
const TIME_TO_LIVE = [0, 0, 1, 0x2c]
/** From the name of an answer to its address. */
const ANSWER_HEADER_BYTES = 12

const header = (id: number, flags: number[], answers: number): number[] => [
  ...[id >> 8, id & 0xff],
  ...flags,
  ...[0, 1, 0, answers, 0, 0, 0, 0],
]

/** A question for the address of a name; null for what is no name. */
export function dnsQuery(id: number, name: string): Uint8Array | null {
  const labels = name.replace(/\.$/, '').split('.')
  const isName = labels.every((each) => each.length > 0 && each.length <= LABEL_MAX)
  if (!isName || name.length > 253 || /[^\x21-\x7e]/.test(name)) return null
  const question = labels.flatMap((each) => [each.length, ...bytesOfText(each)])
  return Uint8Array.from([...header(id, FLAGS_QUERY, 0), ...question, 0, ...TYPE_A_CLASS_IN])
}

/** The name that a question asks for, and where the question ends; null for what is none. */
function questionOf(message: Uint8Array): { name: string; end: number } | null {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (;;) {
    const length = message[at]
    if (length === undefined || length > LABEL_MAX) return null
    at++
    if (length === 0) break
    if (at + length > message.length) return null
    labels.push(textOfBytes(message.subarray(at, at + length)))
    at += length
  }
  const end = at + TYPE_A_CLASS_IN.length
  return end > message.length ? null : { name: labels.join('.'), end }
}

/** What a name server replies; null to what is no question. */
export function dnsReply(
  message: Uint8Array,
  lookUp: (name: string) => number | null,
): { name: string; address: number | null; reply: Uint8Array } | null {
  const question = questionOf(message)
  if (!question) return null
  const { name, end } = question
  const address = lookUp(name)
  const id = (message[0]! << 8) | message[1]!
  const asked = message.subarray(HEADER_BYTES, end)
  const found =
    address === null
      ? []
      : [
          ...[...NAME_OF_QUESTION, ...TYPE_A_CLASS_IN, ...TIME_TO_LIVE, 0, 4],
          ...[24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff),
        ]
  const flags = address === null ? FLAGS_NO_SUCH_NAME : FLAGS_REPLY
  const reply = Uint8Array.from([
    ...header(id, flags, address === null ? 0 : 1),
    ...asked,
    ...found,
  ])
  return { name, address, reply }
}

/** The address in a reply; null when there is none. */
export function addressInReply(message: Uint8Array): number | null {
  const question = questionOf(message)
  const at = (question?.end ?? message.length) + ANSWER_HEADER_BYTES
  if ((message[7] ?? 0) === 0 || at + 4 > message.length) return null
  return message.subarray(at, at + 4).reduce((address, byte) => address * 256 + byte, 0)
}
