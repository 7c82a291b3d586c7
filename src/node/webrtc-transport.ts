import type { Transport } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { type LinkComponents, type LinksInit, override, upgraderWithDeliveredCloses } from '../link/index.ts'

/** The stock WebRTC transport, whose connections deliver before they close, dialled by either side. */
export function webRTCTransport(
  rtcConfiguration: LinksInit['rtcConfiguration']
): (components: LinkComponents) => Transport {
  const create = webRTC({ rtcConfiguration }) as (components: LinkComponents) => Transport
  return (components) => {
    const transport = create(override(components, { upgrader: upgraderWithDeliveredCloses(components.upgrader) }))
    const dial = transport.dial.bind(transport)
    transport.dial = (address, options) =>
      dial(address, { ...options, upgrader: upgraderWithDeliveredCloses(options.upgrader) })
    return transport
  }
}
