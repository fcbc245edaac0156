import type { IceUdpMuxListener, PeerConnection } from 'node-datachannel'

export type { DataChannel, IceUdpMuxListener, IceUdpMuxRequest, PeerConnection } from 'node-datachannel'

/** What is used of libdatachannel's binding. */
export interface NativeWebRtc {
  PeerConnection: new (
    name: string,
    config: ConstructorParameters<typeof PeerConnection>[1]
  ) => PeerConnection
  IceUdpMuxListener: new (port: number, address?: string) => IceUdpMuxListener
}

/**
 * What SCTP keeps of a connection for a peer that reads slowly, in the library's own memory: less than its 1 MiB,
 * because it is beside what a circuit may hold.
 */
const SEND_BUFFER_BYTES = 256 * 1024

/** Loads the binding; throws where no binary exists for this platform. Imported here only, since importing loads it. */
export async function loadNativeWebRtc(): Promise<NativeWebRtc> {
  const native = await import('node-datachannel')
  native.setSctpSettings({ sendBufferSize: SEND_BUFFER_BYTES })
  return native
}
