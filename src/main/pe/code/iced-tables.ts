/** The decoder's numbers (mnemonics, registers, operand kinds) as tables, made once after loading it. */
import type * as Iced from 'iced-x86'

import { conditionOf, type Condition } from './conditions'
import type { Flow, RegisterOperand } from './instruction'

/** What all instructions of one form (`mov r32, r/m32`) have in common. */
export interface Form {
  readonly mnemonic: number
  /** The mnemonic in lower case. */
  readonly name: string
  readonly flow: Flow
  readonly condition: Condition | null
  readonly operandCount: number
  /** Bytes of the memory operand; 0 for none and for unusual sizes. */
  readonly memoryBytes: number
}

export interface IcedTables {
  readonly mnemonics: Readonly<Record<string, number>>
  /** By Code; filled as instructions come along, since few of some 5,000 do. */
  readonly formOf: (code: number) => Form
  /** Decoder's register to the numbers of `RegisterOperand.register`; -1 for other registers. */
  readonly registers: Int16Array
  /** Operands by the decoder's register: they are the same for all instructions. */
  readonly registerOperands: readonly RegisterOperand[]
  /** By register: 1 for RIP and EIP. */
  readonly isInstructionPointer: Uint8Array
  readonly operandKinds: readonly ('register' | 'immediate' | 'memory' | 'other')[]
  readonly isNearBranch: Uint8Array
  /** By OpKind: bytes that an immediate of 8 or 32 bits takes, 0 for other operands. */
  readonly immediateBytes: Uint8Array
  /** The OpKind of a 32-bit immediate that is sign-extended to 64 bits. */
  readonly immediate32to64: number
  readonly immediate64: number
  /** By Code: 1 for moves to and from control and debug registers. */
  readonly isControlMove: Uint8Array
  /** Bytes by MemorySize; 0 for the rest. */
  readonly memorySizes: readonly number[]
}

const REGISTERS_MAX = 256

const flowNames: Readonly<Record<string, Flow>> = {
  Next: 'next',
  UnconditionalBranch: 'jump',
  IndirectBranch: 'jump',
  ConditionalBranch: 'branch',
  XbeginXabortXend: 'next',
  Return: 'return',
  Call: 'call',
  IndirectCall: 'call',
  Interrupt: 'next',
  Exception: 'stop',
}

const memorySizeNames: Readonly<Record<string, number>> = {
  UInt8: 1,
  Int8: 1,
  UInt16: 2,
  Int16: 2,
  UInt32: 4,
  Int32: 4,
  DwordOffset: 4,
  UInt64: 8,
  Int64: 8,
  QwordOffset: 8,
  UInt128: 16,
  Int128: 16,
  Packed128_Float32: 16,
  Packed128_Float64: 16,
  Packed128_Int32: 16,
  Packed128_Int64: 16,
}

/** An enumeration of the module is an object of both names to numbers and numbers to names. */
function entriesOf(enumeration: object): [string, number][] {
  return Object.entries(enumeration).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  )
}

export function icedTables(iced: typeof Iced): IcedTables {
  const mnemonics: Record<string, number> = {}
  for (const [name, value] of entriesOf(iced.Mnemonic)) mnemonics[name.toLowerCase()] = value
  // Taken from the keys of an object, equal names are one and the same string, which `switch`
  // compares much faster than two strings of equal characters.
  const names: string[] = []
  for (const [name, value] of Object.entries(mnemonics)) names[value] = name
  const isStop = new Uint8Array(names.length)
  for (const name of ['int', 'int3', 'ud2']) isStop[mnemonics[name]] = 1
  const flows: Flow[] = []
  for (const [name, value] of entriesOf(iced.FlowControl)) flows[value] = flowNames[name] ?? 'next'
  const operandKinds: ('register' | 'immediate' | 'memory' | 'other')[] = []
  const isNearBranch = new Uint8Array(256)
  const immediateBytes = new Uint8Array(256)
  for (const [name, value] of entriesOf(iced.OpKind)) {
    operandKinds[value] = name.startsWith('Memory')
      ? 'memory'
      : name.startsWith('Immediate')
        ? 'immediate'
        : name === 'Register'
          ? 'register'
          : 'other'
    if (name.startsWith('NearBranch')) isNearBranch[value] = 1
    if (/^Immediate8(to\d+)?$/.test(name)) immediateBytes[value] = 1
    if (/^Immediate32(to64)?$/.test(name)) immediateBytes[value] = 4
  }
  const codes = entriesOf(iced.Code)
  const isControlMove = new Uint8Array(codes.length + 1)
  for (const [name, value] of codes) {
    if (/^Mov_(r(32|64)_[cd]r|[cd]r_r(32|64))$/.test(name)) isControlMove[value] = 1
  }
  const memorySizes: number[] = []
  for (const [name, value] of entriesOf(iced.MemorySize)) {
    memorySizes[value] = memorySizeNames[name] ?? 0
  }
  const isInstructionPointer = new Uint8Array(REGISTERS_MAX)
  isInstructionPointer[iced.Register.RIP] = 1
  isInstructionPointer[iced.Register.EIP] = 1
  const forms: Form[] = []
  const sample = new iced.Instruction()
  const newForm = (code: number): Form => {
    sample.code = code
    const { mnemonic } = sample
    const flow = isStop[mnemonic] ? 'stop' : flows[sample.flowControl]
    const memoryBytes = memorySizes[sample.memorySize] ?? 0
    const [name, operandCount] = [names[mnemonic], sample.opCount]
    const condition = conditionOf(name)
    return (forms[code] = { mnemonic, name, flow, condition, operandCount, memoryBytes })
  }
  return {
    mnemonics,
    formOf: (code) => forms[code] ?? newForm(code),
    operandKinds,
    isNearBranch,
    immediateBytes,
    immediate32to64: iced.OpKind.Immediate32to64,
    immediate64: iced.OpKind.Immediate64,
    isControlMove,
    memorySizes,
    isInstructionPointer,
    ...registerTables(iced),
  }
}

function registerTables(iced: typeof Iced): Pick<IcedTables, 'registers' | 'registerOperands'> {
  const { Register } = iced
  const registers = new Int16Array(REGISTERS_MAX).fill(-1)
  const registerSizes = new Uint8Array(REGISTERS_MAX)
  const isHighByte = new Uint8Array(REGISTERS_MAX)
  const put = (first: number, count: number, index: number, size: number): void => {
    for (let step = 0; step < count; step++) {
      registers[first + step] = index + step
      registerSizes[first + step] = size
    }
  }
  put(Register.AL, 4, 0, 1)
  put(Register.AH, 4, 0, 1)
  isHighByte.fill(1, Register.AH, Register.AH + 4)
  put(Register.SPL, 4, 4, 1)
  put(Register.R8L, 8, 8, 1)
  put(Register.AX, 16, 0, 2)
  put(Register.EAX, 16, 0, 4)
  put(Register.RAX, 16, 0, 8)
  put(Register.XMM0, 16, 16, 16)
  const registerOperands = Array.from(registers, (register, number): RegisterOperand => {
    const [size, isHigh] = [registerSizes[number], isHighByte[number] === 1]
    return { kind: 'register', register, size, isHigh }
  })
  return { registers, registerOperands }
}
