import { RTCPeerConnection } from 'node-datachannel/polyfill'

const channels = new WeakMap<RTCPeerConnection, Set<RTCDataChannel>>()
let done = false

/**
 * In node-datachannel 0.33 a data channel that never opened keeps the process alive, its peer connection closed or not: after
 * one failed search for a direct path a program would never end by itself. So closing a peer connection closes such
 * channels, as the standard has it (W3C WebRTC, 4.4.1.6, step 5). In browsers there is nothing to mend.
 */
export function closeNeverOpenedChannels(): void {
  if (done) return
  done = true
  const { createDataChannel, close } = RTCPeerConnection.prototype
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = createDataChannel.apply(this, args)
    const waiting = channels.get(this) ?? new Set()
    channels.set(this, waiting.add(channel))
    for (const type of ['open', 'close']) channel.addEventListener(type, () => waiting.delete(channel))
    return channel
  }
  RTCPeerConnection.prototype.close = function () {
    for (const channel of channels.get(this) ?? []) channel.close()
    close.call(this)
  }
}
