import { createRequire } from 'node:module'
import type * as Iced from 'iced-x86'
import { expect, test } from 'vitest'

import { Decoded } from './decoded'
import { fixtureBytes, readParts } from './testing/read-fixture'

const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced
const { Decoder, DecoderOptions, OpKind, Register } = iced

/** Forms that compilers of drivers do not use. */
const rare = Buffer.from(
  [
    '48b80102030405060788', // mov rax, imm64
    'c8112233', // enter: two immediates
    'f348ab', // rep stosq
    'f2a6', // repne cmpsb
    '6548a18877665544332211', // mov rax, gs:[moffs64]
    '64678b40f0', // mov eax, fs:[eax-10h]
    '678b05f0ffffff', // mov eax, [eip-10h]
    '62f17c58584010', // vaddps zmm0, zmm0, dword bcst [rax+40h]
    '66e91000', // jmp with an operand size prefix
    '6683f8f0', // cmp ax, -10h
    'ffff', // no instruction
  ].join(''),
  'hex',
)

function code(file: string): Uint8Array {
  const bytes = fixtureBytes(file)
  const section = readParts(bytes).image.sections.find(({ flags }) => flags.includes('X'))
  return section ? bytes.subarray(section.offset, section.offset + section.rawSize) : bytes
}

/** Every field by the module's own account. */
function asked(instruction: Iced.Instruction) {
  const kinds = [0, 1, 2].map((index) => instruction.opKind(index))
  const isMemory = kinds.some((kind) => kind >= OpKind.MemorySegSI)
  return {
    code: instruction.code,
    length: instruction.length,
    kinds,
    registers: [0, 1, 2].map((index) => instruction.opRegister(index)),
    base: instruction.memoryBase,
    index: instruction.memoryIndex,
    scale: instruction.memoryIndexScale,
    hasDisplacement: instruction.memoryDisplSize !== 0,
    displacement: isMemory ? Number(BigInt.asUintN(64, instruction.memoryDisplacement)) : null,
    signed: isMemory ? Number(BigInt.asIntN(64, instruction.memoryDisplacement)) : null,
    low: isMemory ? Number(instruction.memoryDisplacement & 0xffff_ffffn) | 0 : null,
    target:
      kinds[0] >= OpKind.NearBranch16 && kinds[0] <= OpKind.NearBranch64
        ? Number(instruction.nearBranchTarget)
        : null,
    isThreadSegment: [Register.FS, Register.GS].includes(instruction.memorySegment),
    isBroadcast: instruction.isBroadcast,
    isRepeated: instruction.hasRepPrefix || instruction.hasRepnePrefix,
    immediates: kinds.map((kind, index) =>
      kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64
        ? BigInt.asUintN(64, BigInt(instruction.immediate(index)))
        : null,
    ),
  }
}

/** The same from the module's memory. */
function read(decoded: Decoded): ReturnType<typeof asked> {
  const kinds = [0, 1, 2].map((index) => decoded.opKind(index))
  const isMemory = kinds.some((kind) => kind >= OpKind.MemorySegSI)
  const low = decoded.immediate32
  const immediate = (kind: number): bigint | null => {
    if (kind === OpKind.Immediate8) return BigInt(low & 0xff)
    if (kind === OpKind.Immediate8_2nd) return BigInt(decoded.displacement32)
    if (kind === OpKind.Immediate16 || kind === OpKind.Immediate32) return BigInt(low >>> 0)
    if (kind === OpKind.Immediate64) {
      return (BigInt(decoded.displacement32 >>> 0) << 32n) | BigInt(low >>> 0)
    }
    if (kind === OpKind.Immediate32to64) return BigInt.asUintN(64, BigInt(low))
    const isExtended = kind >= OpKind.Immediate8to16 && kind <= OpKind.Immediate8to64
    return isExtended ? BigInt.asUintN(64, BigInt((low << 24) >> 24)) : null
  }
  return {
    code: decoded.code,
    length: decoded.length,
    kinds,
    registers: [0, 1, 2].map((index) => decoded.opRegister(index)),
    base: decoded.memoryBase,
    index: decoded.memoryIndex,
    scale: decoded.memoryIndexScale,
    hasDisplacement: decoded.hasDisplacement,
    displacement: isMemory ? decoded.displacement : null,
    signed: isMemory ? decoded.displacementSigned : null,
    low: isMemory ? decoded.displacement32 : null,
    target:
      kinds[0] >= OpKind.NearBranch16 && kinds[0] <= OpKind.NearBranch64
        ? decoded.displacement
        : null,
    isThreadSegment: decoded.isThreadSegment,
    isBroadcast: decoded.isBroadcast,
    isRepeated: decoded.isRepeated,
    immediates: kinds.map(immediate),
  }
}

test.each([
  ['rare forms', 64, rare],
  ['rare forms', 32, rare],
  ['x64 code', 64, code('code/sparse-switch-x64-O2.sys')],
  ['x64 code without optimisation', 64, code('code/kmdf-x64-O0.sys')],
  ['x86 code', 32, code('code/large-switch-x86-Os.sys')],
  ['x64 code read at the wrong bitness', 32, code('code/msvc-style-x64-O2.sys')],
] as const)('every field of %s (%i bits) is what the module says', (_name, bitness, bytes) => {
  const decoded = new Decoded(iced)
  const decoder = new Decoder(bitness, bytes, DecoderOptions.None)
  decoder.ip = 0x1000n
  let count = 0
  try {
    // At every byte, so that what is no code is met as well.
    for (let at = 0; at < bytes.length; at++) {
      decoder.position = at
      decoder.decodeOut(decoded.instruction)
      decoded.refresh()
      expect(read(decoded), `at ${at}`).toEqual(asked(decoded.instruction))
      count++
    }
  } finally {
    decoder.free()
    decoded.free()
  }
  expect(count).toBe(bytes.length)
})

test('memory of the module that grew is read where it is now', () => {
  const decoded = new Decoded(iced)
  const before = (iced as unknown as { __wasm: { memory: WebAssembly.Memory } }).__wasm.memory
  const size = before.buffer.byteLength
  const decoder = new Decoder(64, new Uint8Array(size).fill(0xc3), DecoderOptions.None)
  try {
    expect(before.buffer.byteLength).toBeGreaterThan(size)
    decoder.decodeOut(decoded.instruction)
    decoded.refresh()
    expect(decoded.code).toBe(iced.Code.Retnq)
    expect(decoded.length).toBe(1)
  } finally {
    decoder.free()
    decoded.free()
  }
})
