/**
 * May this image load on that machine? The answer with every rule that was asked. Pure: bytes were read
 * before, the clock is the machine's own.
 */
import type { Image, Signature } from '../../../shared/driver-file/facts'
import { hex32 } from '../../../shared/nt/format'
import { STATUS_INVALID_IMAGE_HASH, STATUS_SUCCESS, statusName } from '../../../shared/nt/ntstatus'
import type { LoadPolicy, RuleAnswer, Verdict } from '../../../shared/package/policy'
import { machineOf, machineWords, type Machine } from './machine'
import {
  IMAGE_RULES,
  SIGNATURE_RULES,
  type Asked,
  type AskedOfSignature,
  type Knowledge,
  type Rule,
} from './rules'
import { standingOf } from './standing'

export type { Knowledge } from './rules'

/** What is judged: what was read of an image and of the catalogues it came with. */
export interface Candidate {
  /** Null: the file is no image. */
  image: Image | null
  signatures: readonly Signature[]
}

interface Examined {
  rules: RuleAnswer[]
  status: number
}

export function judge(policy: LoadPolicy, candidate: Candidate, knowledge: Knowledge): Verdict {
  const machine = machineOf(policy)
  const { image, signatures } = candidate
  if (!image) return verdict(machine, null, refusedAtOnce('The file is no image.'))
  if (signatures.length === 0)
    return verdict(
      machine,
      null,
      refusedAtOnce('The image has no signature, and no catalogue names it.'),
    )
  const asked: Asked = { machine, knowledge, image, signatures }
  // One signature that is accepted is enough; of those that are not, the one that got furthest tells.
  const each = signatures.map((signature) => askSignature(asked, signature))
  const best = each.findIndex(({ status }) => status === STATUS_SUCCESS)
  const index = best >= 0 ? best : furthest(each)
  const examined = each[index]!
  const rules = [signed(signatures.length), ...examined.rules]
  if (examined.status !== STATUS_SUCCESS) return verdict(machine, index, { ...examined, rules })
  const whole = ask(IMAGE_RULES, asked)
  return verdict(machine, index, { rules: [...rules, ...whole.rules], status: whole.status })
}

function askSignature(asked: Asked, signature: Signature): Examined {
  const standing = standingOf(signature)
  const { testSigning, secureBoot } = asked.machine
  const inTestMode = standing.root === 'none' && testSigning && !secureBoot
  const all: AskedOfSignature = { ...asked, signature, standing, inTestMode }
  return ask(SIGNATURE_RULES, all)
}

/** Ask in order, up to the first refusal. */
function ask<A>(rules: readonly Rule<A>[], asked: A): Examined {
  const answers: RuleAnswer[] = []
  for (const { id, asks, status, answer } of rules) {
    const given = answer(asked)
    if (!given) continue
    const { passes, because, data = {} } = given
    answers.push({ rule: id, asks, passes, because, data })
    if (!passes) return { rules: answers, status }
  }
  return { rules: answers, status: STATUS_SUCCESS }
}

function furthest(each: readonly Examined[]): number {
  const most = Math.max(...each.map(({ rules }) => rules.length))
  return each.findIndex(({ rules }) => rules.length === most)
}

const ASKS_SIGNED = 'Is the image signed, by itself or by a catalogue?'

const signed = (count: number): RuleAnswer => ({
  rule: 'signed',
  asks: ASKS_SIGNED,
  passes: true,
  because: count === 1 ? 'There is one signature.' : `There are ${count} signatures.`,
  data: { signatures: String(count) },
})

const refusedAtOnce = (because: string): Examined => ({
  rules: [{ rule: 'signed', asks: ASKS_SIGNED, passes: false, because, data: {} }],
  status: STATUS_INVALID_IMAGE_HASH,
})

function verdict(machine: Machine, signature: number | null, examined: Examined): Verdict {
  const { rules, status } = examined
  const refused = rules.find(({ passes }) => !passes)
  return {
    windows: machine.windows,
    machine: machineWords(machine),
    accepted: !refused,
    status: hex32(status),
    statusName: statusName(status),
    rule: refused?.rule ?? null,
    because: refused?.because ?? acceptedBecause(rules),
    signature,
    rules,
  }
}

/** Of what was passed, what a reader wants to know first: an exception, else who signed. */
function acceptedBecause(rules: readonly RuleAnswer[]): string {
  const telling = ['portal', 'validity', 'test-signing', 'root'] as const
  const said = telling.flatMap((id) => rules.find(({ rule }) => rule === id) ?? [])
  return said[0]?.because ?? rules.at(-1)!.because
}
