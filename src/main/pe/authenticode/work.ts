/**
 * How much one file may cost. Signatures nest, carry certificates and stamps, and each of them can be
 * had by the thousand in a hostile file; public keys can be made slow on purpose. So messages and
 * verifications are counted for the whole file, and what comes after the limit is told and left.
 */
import { AnomalyList } from '../anomalies'
import { DerError } from './der'

/** A file with two signatures and their stamps has four messages and some 14 verifications. */
const MESSAGES_MAX = 32
const VERIFICATIONS_MAX = 200

export class Work {
  readonly anomalies = new AnomalyList()
  #messages = 0
  #verifications = 0

  /** @throws DerError when the file has had its share */
  message(offset: number): void {
    if (this.#messages++ < MESSAGES_MAX) return
    throw new DerError(`more than ${MESSAGES_MAX} messages in one file`, offset)
  }

  /** May one more signature be verified? */
  verification(): boolean {
    if (this.#verifications++ < VERIFICATIONS_MAX) return true
    if (this.#verifications === VERIFICATIONS_MAX + 1) {
      const text = `More than ${VERIFICATIONS_MAX} signatures would have to be verified; the rest count as not fitting.`
      this.anomalies.suspicious('too-much-to-verify', text)
    }
    return false
  }
}
