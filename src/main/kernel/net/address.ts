/** Addresses and protocols of the internet protocol, version 4, as numbers and as text. */

/** An address with a port, both in host order. */
export interface Place {
  address: number
  port: number
}

/** 127.0.0.1, and the network it stands for. */
export const LOOPBACK = 0x7f00_0001
export const isLoopback = (address: number): boolean => address >>> 24 === 127

export const addressWords = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')

/** `203.0.113.10:80`. */
export const placeWords = ({ address, port }: Place): string => `${addressWords(address)}:${port}`

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }

/** `TCP`. */
export const protocolWords = (protocol: number): string => PROTOCOLS[protocol] ?? String(protocol)

/** The address that `203.0.113.10` says; null for text that is none. */
export function parseAddress(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return null
  return parts.reduce((address, part) => address * 256 + Number(part), 0)
}
