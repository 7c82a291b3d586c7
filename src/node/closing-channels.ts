import { getEventListeners } from 'node:events'
import { cleanup } from 'node-datachannel'
import { RTCPeerConnection } from 'node-datachannel/polyfill'

/** Open peer connections, each with its channels that are not closed, made by us or announced by the peer. */
const connections = new Map<RTCPeerConnection, Set<RTCDataChannel>>()
/** Channels whose end will never be told. */
let stuck = 0
let watching = false
/** Nodes that run, of whichever something may use the library at any time. */
let running = 0

/** Channels tell of their end from threads of the library, some milliseconds after their peer connection closed. */
const TELLING_MS = 500

/**
 * In node-datachannel 0.33 a channel keeps itself, all its listeners and the process alive until it tells that it closed.
 * One that never opened tells nothing, so closing a peer connection closes it, as the standard has it (W3C WebRTC, 4.4.1.6,
 * step 5). Neither does one that both sides closed at the same moment, one in ten or so: it is told for it, and let go of. In browsers
 * there is nothing to mend.
 */
export function closeChannelsWithTheirConnection(): void {
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
    if (!connections.has(this)) connections.set(this, new Set())
    this.addEventListener('datachannel', (event) => watch(this, (event as RTCDataChannelEvent).channel))
    return setRemoteDescription.apply(this, args)
  }
  RTCPeerConnection.prototype.close = function () {
    const channels = connections.get(this) ?? new Set()
    connections.delete(this)
    for (const channel of channels) if (channel.readyState === 'connecting') channel.close()
    close.call(this)
    if (channels.size > 0) later(() => channels.forEach(letGo))
  }
}

export function onNodeStarted(): void {
  running++
}

/**
 * Only the library as a whole gives up what is stuck. After the last node has stopped, with no peer connection left, that
 * harms nobody; while another one makes a connection, it corrupts memory.
 */
export function onNodeStopped(): void {
  running--
  later(() => {})
}

/** What is stuck keeps the process alive until then, nothing else needs it. */
function later(run: () => void): void {
  const timer = setTimeout(() => {
    run()
    if (running > 0 || stuck === 0 || connections.size > 0) return
    stuck = 0
    cleanup()
  }, TELLING_MS)
  timer.unref()
}

function watch(connection: RTCPeerConnection, channel: RTCDataChannel): void {
  const channels = connections.get(connection) ?? new Set()
  connections.set(connection, channels)
  channels.add(channel)
  channel.addEventListener('close', () => channels.delete(channel))
}

/** The library keeps the channel; nobody else's memory shall hang on it. */
function letGo(channel: RTCDataChannel): void {
  stuck++
  channel.dispatchEvent(new Event('close'))
  for (const type of ['open', 'close', 'closing', 'error', 'message', 'bufferedamountlow']) {
    Object.assign(channel, { [`on${type}`]: null })
    // The library's own as well: one leads to the peer connection, and by it to all that was on it.
    for (const listener of getEventListeners(channel, type))
      channel.removeEventListener(type, listener as EventListener)
  }
}
