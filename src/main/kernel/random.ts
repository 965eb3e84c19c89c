/**
 * Seeded chance (xorshift32, split by name): the only source of it in the kernel. Splitting keeps one
 * component's draws from shifting another's.
 */
export class Random {
  private state: number

  constructor(seed: number) {
    // Scramble, so that neighbouring seeds differ at once; zero is the one state xorshift cannot leave.
    let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
    x ^= x >>> 13
    x = Math.imul(x, 0xc2b2ae35)
    this.state = (x ^ (x >>> 16)) | 0 || 0x1234567
  }

  /** A stream of its own for a component. */
  split(name: string): Random {
    let hash = this.state
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
    return new Random(hash)
  }

  /** Whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return (x >>> 0) % bound
  }
}
