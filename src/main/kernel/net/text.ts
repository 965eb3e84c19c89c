/** Text on the wire: a byte for each character. */

export const bytesOfText = (text: string): Uint8Array =>
  Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff)

export const textOfBytes = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

const SHOWN_CHARACTERS = 200

/** How the trace shows what was sent: the beginning, with dots for what cannot be printed. */
export const shownText = (bytes: Uint8Array): string =>
  textOfBytes(bytes.subarray(0, SHOWN_CHARACTERS)).replace(/[^\x20-\x7e\r\n]/g, '.')
