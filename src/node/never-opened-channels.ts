import { cleanup } from 'node-datachannel'
import { RTCPeerConnection } from 'node-datachannel/polyfill'

/** Open peer connections, each with its channels that have not opened, made by us or announced by the peer. */
const connections = new Map<RTCPeerConnection, Set<RTCDataChannel>>()
/** Channels whose end will never be told. */
let stuck = 0
let watching = false

/**
 * In node-datachannel 0.33 a data channel that never opened keeps the process alive, its peer connection closed or not: after
 * one search for a direct path a program might never end by itself. So closing a peer connection closes such channels, as
 * the standard has it (W3C WebRTC, 4.4.1.6, step 5). In browsers there is nothing to mend.
 */
export function closeNeverOpenedChannels(): void {
  if (watching) return
  watching = true
  const { createDataChannel, setRemoteDescription, close } = RTCPeerConnection.prototype
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = createDataChannel.apply(this, args)
    watch(this, channel)
    return channel
  }
  // Nothing is announced before this; the constructor cannot be replaced.
  RTCPeerConnection.prototype.setRemoteDescription = function (...args) {
    this.addEventListener('datachannel', (event) => watch(this, (event as RTCDataChannelEvent).channel))
    return setRemoteDescription.apply(this, args)
  }
  RTCPeerConnection.prototype.close = function () {
    const unopened = connections.get(this) ?? []
    connections.delete(this)
    for (const channel of unopened) {
      stuck++
      channel.addEventListener('close', () => stuck--)
      channel.close()
    }
    close.call(this)
  }
}

/**
 * A channel that its peer closed before it was announced here tells nothing whatever is done: only the library as a whole
 * lets go of it. When the last node stops, with no peer connection left, that harms nobody.
 */
export function releaseStuckChannels(): void {
  // Closing a channel takes it two rounds of the event loop to tell.
  setImmediate(() =>
    setImmediate(() =>
      setImmediate(() => {
        if (stuck === 0 || connections.size > 0) return
        stuck = 0
        cleanup()
      })
    )
  )
}

function watch(connection: RTCPeerConnection, channel: RTCDataChannel): void {
  const unopened = connections.get(connection) ?? new Set()
  connections.set(connection, unopened)
  if (channel.readyState !== 'connecting') return
  unopened.add(channel)
  for (const type of ['open', 'close']) channel.addEventListener(type, () => unopened.delete(channel))
}
