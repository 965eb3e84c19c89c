import { createRequire } from 'node:module'
import type * as Iced from 'iced-x86'
import { expect, test } from 'vitest'

import * as skimmed from './skimmer'
import { Skimmer } from './skimmer'
import { fixtureBytes, readParts } from './testing/read-fixture'

const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced
const { Code, ConditionCode, Decoder, DecoderOptions, FlowControl, Mnemonic, OpKind, Register } =
  iced

const START = 0x10_0000
/** No instruction is longer: nearer to the end the decoder is asked. */
const REACH = 15
const compares = [Mnemonic.Cmp, Mnemonic.Sub, Mnemonic.Xor]
const immediates = [
  [OpKind.Immediate8, OpKind.Immediate8to32, OpKind.Immediate8to64],
  [OpKind.Immediate32, OpKind.Immediate32to64],
]

/** What the decoder says of an instruction, in the skimmer's terms. */
function asked(
  instruction: Iced.Instruction,
  bits: 32 | 64,
): { kind: number; value: number | null } {
  const { mnemonic, flowControl } = instruction
  const distanceTo = (place: bigint): number =>
    Number(BigInt.asIntN(bits, place - BigInt(START + instruction.length)))
  const relative = { value: distanceTo(instruction.nearBranchTarget) }
  if (flowControl === FlowControl.Return) return { kind: skimmed.RETURN, value: null }
  if (flowControl === FlowControl.Call) return { kind: skimmed.CALL, ...relative }
  if (flowControl === FlowControl.UnconditionalBranch) return { kind: skimmed.JUMP, ...relative }
  if (flowControl === FlowControl.ConditionalBranch) {
    const condition = instruction.conditionCode
    if (condition === ConditionCode.e || condition === ConditionCode.ne) {
      return { kind: skimmed.BRANCH_EQUAL, ...relative }
    }
    const isOrder = ['b', 'ae', 'be', 'a', 'l', 'ge', 'le', 'g'].includes(ConditionCode[condition])
    return { kind: isOrder ? skimmed.BRANCH_ORDERED : skimmed.BRANCH_OTHER, ...relative }
  }
  if (flowControl !== FlowControl.Next) return { kind: -1, value: null }
  if (mnemonic === Mnemonic.Lea && instruction.memoryBase === Register.RIP) {
    return { kind: skimmed.RELATIVE_ADDRESS, value: distanceTo(instruction.memoryDisplacement) }
  }
  const bytes = immediates.findIndex((kinds) => kinds.includes(instruction.opKind(1)))
  if (compares.includes(mnemonic) && bytes >= 0) {
    const number = BigInt.asUintN(bytes === 0 ? 8 : 32, BigInt(instruction.immediate(1)))
    return { kind: skimmed.COMPARISON, value: Number(number) }
  }
  return { kind: skimmed.PLAIN, value: null }
}

/** Hold the skimmer's answers against the decoder's, at every `step` bytes; how many there were. */
function compare(bits: 32 | 64, bytes: Uint8Array, step = 1): number {
  const skimmer = new Skimmer(bits)
  skimmer.use(bytes)
  const decoder = new Decoder(bits, bytes, DecoderOptions.None)
  const instruction = new iced.Instruction()
  let taken = 0
  try {
    for (let at = 0; at < bytes.length; at += step) {
      const length = skimmer.read(at)
      if (length === 0) continue
      taken++
      decoder.position = at
      decoder.ip = BigInt(START)
      decoder.decodeOut(instruction)
      const { kind } = skimmer
      const value = kind === skimmed.PLAIN || kind === skimmed.RETURN ? null : skimmer.value
      const code = Buffer.from(bytes.subarray(at, at + REACH)).toString('hex')
      const isNone = instruction.code === Code.INVALID
      const said = { length: isNone ? 0 : instruction.length, ...asked(instruction, bits) }
      // An expectation for each of some hundred thousand forms would take long.
      const isSame =
        length === said.length && kind === said.kind && (value === said.value || value === null)
      if (!isSame) expect({ length, kind, value }, code).toEqual(said)
      const isScaled = instruction.memoryIndex !== Register.None && instruction.memoryIndexScale > 2
      if (isScaled) expect.fail(`${code} may read a table`)
    }
  } finally {
    instruction.free()
    decoder.free()
  }
  return taken
}

function code(file: string): Uint8Array {
  const bytes = fixtureBytes(file)
  const section = readParts(bytes).image.sections.find(({ flags }) => flags.includes('X'))
  return section ? bytes.subarray(section.offset, section.offset + section.rawSize) : bytes
}

/** Every first byte, with and without a prefix, with every second and third byte of some kinds. */
function everyForm(prefix: readonly number[]): Uint8Array {
  const tail = [0x84, 0x83, 0x82, 0x81, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55]
  const forms: number[] = []
  for (let opcode = 0; opcode < 256; opcode++) {
    for (let modrm = 0; modrm < 256; modrm++) {
      for (const sib of [0x05, 0x24, 0x65]) forms.push(...prefix, opcode, modrm, sib, ...tail)
    }
  }
  return Uint8Array.from(forms)
}

test.each([
  ['x64 code', 64, code('code/sparse-switch-x64-O2.sys')],
  ['x64 code without optimisation', 64, code('code/kmdf-x64-O0.sys')],
  ['x86 code', 32, code('code/large-switch-x86-Os.sys')],
  ['x64 code read at the wrong bitness', 32, code('code/msvc-style-x64-O2.sys')],
] as const)('what is skimmed of %s (%i bits) is what the decoder says', (_name, bits, bytes) => {
  expect(compare(bits, bytes)).toBeGreaterThan(bytes.length / 8)
})

test.each([32, 64] as const)('what is skimmed of every form (%i bits) is right', (bits) => {
  for (const prefix of [[], [0x0f], [0x41], [0x48], [0x48, 0x0f]]) {
    compare(bits, everyForm(prefix), prefix.length + 15)
  }
})

test('what may reach behind the end is left to the decoder', () => {
  const skimmer = new Skimmer(64)
  skimmer.use(new Uint8Array(REACH).fill(0x90))
  expect([skimmer.read(0), skimmer.read(1), skimmer.read(REACH)]).toEqual([1, 0, 0])
})
