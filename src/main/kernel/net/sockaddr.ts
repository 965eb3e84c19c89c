/** SOCKADDR_IN: an address with its port, in network byte order, as it lies in memory. */
import { AF_INET } from '../../../shared/nt/generated/constants'
import { SOCKADDR_IN } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Place } from './address'

export function readPlace(k: Kernel, at: Ptr): Place {
  const view = new DataView(k.memory.read(at, SOCKADDR_IN.SIZE).slice().buffer)
  return {
    address: view.getUint32(SOCKADDR_IN.sin_addr),
    port: view.getUint16(SOCKADDR_IN.sin_port),
  }
}

export function writePlace(k: Kernel, at: Ptr, { address, port }: Place): void {
  const view = new DataView(new ArrayBuffer(SOCKADDR_IN.SIZE))
  view.setUint16(SOCKADDR_IN.sin_family, AF_INET, true)
  view.setUint16(SOCKADDR_IN.sin_port, port)
  view.setUint32(SOCKADDR_IN.sin_addr, address)
  k.memory.write(at, new Uint8Array(view.buffer))
}
