/** Instructions that only the kernel may run, or that tell where the kernel's tables are. */

/** Mnemonics as the decoder spells them. Moves to and from CRn and DRn are told by their operands. */
export const PRIVILEGED_NAMES: readonly string[] = [
  ...['rdmsr', 'wrmsr', 'rdpmc', 'in', 'out', 'insb', 'insw', 'insd', 'outsb', 'outsw', 'outsd'],
  ...['cli', 'sti', 'hlt', 'clts', 'lmsw', 'invd', 'wbinvd', 'wbnoinvd', 'invlpg', 'invpcid'],
  ...['lgdt', 'lidt', 'lldt', 'ltr', 'sgdt', 'sidt', 'sldt', 'str', 'swapgs', 'xsetbv'],
  ...['sysret', 'sysretq', 'sysexit', 'sysexitq', 'rsm'],
  ...['vmxon', 'vmxoff', 'vmcall', 'vmclear', 'vmlaunch', 'vmresume', 'vmptrld', 'vmptrst'],
  ...['vmread', 'vmwrite', 'invept', 'invvpid'],
  ...['vmrun', 'vmload', 'vmsave', 'vmmcall', 'stgi', 'clgi', 'skinit', 'invlpga'],
]

const CONTROL_OR_DEBUG = /\b([cd]r\d+)\b/

/**
 * What to call a privileged instruction in a list: `rdmsr`, `in`, `mov cr0`; null for a `mov` that is
 * not privileged.
 * @param name mnemonic
 * @param text the whole instruction
 */
export function privilegedLabel(name: string, text: string): string | null {
  if (name !== 'mov') return name
  const register = CONTROL_OR_DEBUG.exec(text)
  return register ? `mov ${register[1]}` : null
}
