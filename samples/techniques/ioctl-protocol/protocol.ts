/*
 * What goes over the one control code, for driver and client alike: nothing in here is of Windows.
 *
 * Both know a secret. The first message has no session: it carries a number of the client's and comes
 * back with one of the driver's and the number of the session. From both numbers and the secret comes
 * the key; it is never sent. Every later message has a body that is XORed with a stream, which begins
 * anew with each number of a message.
 */

/** Words of a message: the session, the number of the message, and six of body. */
export const WORDS = 8
export const MESSAGE_BYTES = 32
export const SESSION = 0
export const NUMBER = 1
/** Words of the body, by their place in the message. */
export const MAGIC = 2
export const ORDER = 3
export const ARGUMENT = 4

/** What a body begins with; a wrong key gives something else. */
export const MAGIC_VALUE = 0x52484350
export const ORDER_HELLO = 1
export const ORDER_END = 2

const SECRET = 0x6d2b79f5

/** The next word of a stream (xorshift). */
function next(state: number): number {
  let x = state
  x = x ^ (x << 13)
  x = x ^ (x >>> 17)
  x = x ^ (x << 5)
  return x >>> 0
}

/** The key of a session. */
export function keyOf(client: number, driver: number): number {
  return next(next((SECRET ^ client) >>> 0) ^ driver)
}

/** The word that a place of a body is XORed with. */
export function streamAt(key: number, number: number, place: number): number {
  let x = next((key ^ number) >>> 0)
  for (let i = MAGIC; i < place; i++) x = next(x)
  return x
}
