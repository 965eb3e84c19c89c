/**
 * The machines on the other side of the network: names, addresses, and what their ports answer. They are
 * tables, not programs: a request that is in the table gets its reply.
 */
import { bytesOfText } from './text'

export interface RemotePort {
  port: number
  /** What a web server there has, by path; null where none is. */
  pages: ReadonlyMap<string, string> | null
  /** Replies to what contains the request, the first that fits. */
  answers: readonly { request: string; reply: string }[]
}

export interface RemoteHost {
  name: string
  address: number
  ports: readonly RemotePort[]
}

/** What a port says to what it was sent, and whether it hangs up afterwards. */
export interface Answer {
  reply: Uint8Array
  closes: boolean
}

const END_OF_HEADERS = '\r\n\r\n'

function httpAnswer(status: string, body: string): Answer {
  const headers = ['Content-Type: text/html', `Content-Length: ${body.length}`, 'Connection: close']
  return {
    reply: bytesOfText([`HTTP/1.1 ${status}`, ...headers].join('\r\n') + END_OF_HEADERS + body),
    closes: true,
  }
}

/**
 * What a port answers to all that it has been sent so far.
 * @param text  a character for each byte
 * @returns null while there is nothing to say
 */
export function answerOf({ pages, answers }: RemotePort, text: string): Answer | null {
  const answer = answers.find(({ request }) => text.includes(request))
  if (answer) return { reply: bytesOfText(answer.reply), closes: false }
  if (!pages || !text.includes(END_OF_HEADERS)) return null
  const [, path] = /^(?:GET|HEAD|POST) (\S+) HTTP\//.exec(text) ?? []
  if (path === undefined) return httpAnswer('400 Bad Request', 'Bad request')
  const page = pages.get(path)
  return page === undefined ? httpAnswer('404 Not Found', 'Not found') : httpAnswer('200 OK', page)
}
