/**
 * Throw-away RSA keys, made of a text: the same text gives the same key, so that a package comes out
 * the same to the byte. Whoever has this file has every private key; that is the point.
 */
import {
  checkPrimeSync,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
} from 'node:crypto'

export interface KeyPair {
  privateKey: KeyObject
  /** SubjectPublicKeyInfo. */
  publicKey: Uint8Array
}

const PRIME_BYTES = 128
const EXPONENT = 65537n
/** Primes below this are tried before the expensive test. */
const SMALL_PRIMES = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n]

/** Authorities come again with every package; subjects are as many as somebody types. */
const KEYS_MAX = 64
const keys = new Map<string, KeyPair>()

/** RSA 2048, from a text. Some 40 ms the first time. */
export function keyFrom(seed: string): KeyPair {
  const known = keys.get(seed)
  if (known) return known
  const pair = makeKey(seed)
  if (keys.size >= KEYS_MAX) keys.delete([...keys.keys()][0]!)
  keys.set(seed, pair)
  return pair
}

function makeKey(seed: string): KeyPair {
  const p = primeFrom(`${seed}/p`)
  const q = primeFrom(`${seed}/q`)
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n))
  const key = {
    kty: 'RSA',
    n: base64(p * q, 2 * PRIME_BYTES),
    e: base64(EXPONENT, 3),
    d: base64(d, 2 * PRIME_BYTES),
    p: base64(p, PRIME_BYTES),
    q: base64(q, PRIME_BYTES),
    dp: base64(d % (p - 1n), PRIME_BYTES),
    dq: base64(d % (q - 1n), PRIME_BYTES),
    qi: base64(inverse(q, p), PRIME_BYTES),
  }
  const privateKey = createPrivateKey({ key, format: 'jwk' })
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: new Uint8Array(publicKey) }
}

/** The first prime in the row of numbers that a text stands for. */
function primeFrom(text: string): bigint {
  for (let round = 0; ; round++) {
    const candidate = streamOf(`${text}/${round}`)
    // The two highest bits make the product 2048 bits long; the lowest makes it odd.
    candidate[0]! |= 0xc0
    candidate[PRIME_BYTES - 1]! |= 1
    const number = BigInt(`0x${candidate.toString('hex')}`)
    if (SMALL_PRIMES.some((prime) => number % prime === 0n)) continue
    if ((number - 1n) % EXPONENT !== 0n && checkPrimeSync(candidate)) return number
  }
}

function streamOf(text: string): Buffer {
  const parts = [0, 1, 2, 3].map((part) => createHash('sha256').update(`${text}/${part}`).digest())
  return Buffer.concat(parts)
}

/** Of a number that has one: both arguments share no factor. */
function inverse(number: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [number % modulus, modulus, 1n, 0n]
  while (b !== 0n) {
    const times = a / b
    ;[a, b] = [b, a - times * b]
    ;[x, y] = [y, x - times * y]
  }
  return ((x % modulus) + modulus) % modulus
}

const base64 = (number: bigint, bytes: number): string =>
  Buffer.from(number.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64url')
