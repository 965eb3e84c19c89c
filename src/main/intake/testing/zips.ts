/** Zip archives for tests, written by zip.js, which also reads them in Debian's 7z. */
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'

configure({ useWebWorkers: false })

export interface ZipOptions {
  password?: string
  /** The old encryption instead of AES-256. */
  zipCrypto?: boolean
  level?: number
}

/** @param files name to content */
export async function zip(
  files: Record<string, Uint8Array | string>,
  { password, zipCrypto = false, level = 6 }: ZipOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ZipWriter(new Uint8ArrayWriter())
  for (const [name, content] of Object.entries(files))
    await writer.add(
      name,
      new Uint8ArrayReader(typeof content === 'string' ? Buffer.from(content) : content),
      {
        level,
        useWebWorkers: false,
        lastModDate: new Date('2026-01-02T03:04:06'),
        ...(password === undefined ? {} : { password, zipCrypto, encryptionStrength: 3 as const }),
      },
    )
  return new Uint8Array(await writer.close())
}
