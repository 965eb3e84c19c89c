// Messages of the set-up scripts. They go to stderr: stdout belongs to the program that is started.

const isTerminal = process.stderr.isTTY === true

/** One line for the person who waits. */
export function say(message) {
  process.stderr.write(`ring0: ${message}\n`)
}

/** A failure that has an explanation and a way out: printed without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message what went wrong
   * @param {string} [hint] what to do about it
   */
  constructor(message, hint) {
    super(message)
    this.name = 'SetupError'
    this.hint = hint
  }
}

/** Run a script's main function; explained failures end it with status 1 and no stack. */
export async function main(run) {
  try {
    const status = await run()
    if (typeof status === 'number') process.exitCode = status
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    if (error.hint) process.stderr.write(`${error.hint.replace(/^/gm, '       ')}\n`)
    process.exitCode = 1
  }
}

/**
 * Progress of something long. On a terminal one line is rewritten; in a log a line appears at most
 * every five seconds.
 * @param {string} title
 * @param {number} [total] undefined when unknown
 * @param {(value: number) => string} [format] how to print a value
 */
export function progress(title, total, format = megabytes) {
  let shown = 0
  const started = Date.now()
  say(total ? `${title} (${format(total)})` : title)
  return {
    update(value) {
      const now = Date.now()
      if (now - shown < (isTerminal ? 100 : 5000) || now - started < 1000) return
      shown = now
      const text = total ? `${Math.floor((100 * value) / total)} %` : format(value)
      process.stderr.write(isTerminal ? `\r       ${text}   ` : `       ${text}\n`)
    },
    done() {
      const seconds = ((Date.now() - started) / 1000).toFixed(1)
      process.stderr.write(`${isTerminal ? '\r' : ''}       done in ${seconds} s\n`)
    },
  }
}

/** Bytes as people say them. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
