import { yamux } from '@chainsafe/libp2p-yamux'
import { StreamState } from '@chainsafe/libp2p-yamux/stream'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { deliveredCloses, override } from '../link/index.ts'

/**
 * Receive window of a yamux stream, which grows to this with the first messages. What a paused stream may hold (4 MiB, after
 * that libp2p resets it), and all that a session has on its way; yamux' own 16 MiB lead to such resets.
 */
const MAX_STREAM_WINDOW_BYTES = 4_194_304

/**
 * What a stream must have received until its sender is told so. Yamux tells of every message, which costs a heartbeat over a
 * circuit more than itself. A carrier message of bulk is as long as this, so bulk is told of as before; the smallest window is
 * 16 times as much.
 */
const WINDOW_UPDATE_BYTES = 16_000

/**
 * Silence after which a connection is pinged: yamux' own interval, and less than what NATs and proxies forget a connection
 * after. The paths of a link are asked more often than this by the link, so their carriers never are.
 */
const KEEP_ALIVE_AFTER_MS = 30_000

/** What yamux has beside what libp2p asks of a muxer. */
interface YamuxMuxer extends StreamMuxer {
  ping(): Promise<number>
  _newStream(...args: unknown[]): YamuxStream
}

interface YamuxStream {
  readonly state: StreamState
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** Yamux for connections of all kinds, those to relays and the carriers of links: it says little while nobody else does. */
export function carrierMuxer(): StreamMuxerFactory {
  const init = { enableKeepAlive: false, streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES } }
  const factory = yamux(init)()
  const quiet = override(factory, {
    createStreamMuxer: (maConn: MessageStream) => {
      const muxer = factory.createStreamMuxer(maConn) as unknown as YamuxMuxer
      keepAliveInSilence(muxer, maConn)
      const newStream = muxer._newStream.bind(muxer)
      muxer._newStream = (...args) => updatesWindowsRarely(newStream(...args))
      return muxer
    }
  })
  return deliveredCloses(quiet)
}

/** Yamux' own keep-alive pings whatever else is heard, from both ends. */
function keepAliveInSilence(muxer: YamuxMuxer, maConn: MessageStream): void {
  const ping = (): void => {
    muxer.ping().catch((err) => maConn.log('ping failed - %e', err))
  }
  let heardAt = performance.now()
  const look = (): void => {
    const leftMs = heardAt + KEEP_ALIVE_AFTER_MS - performance.now()
    if (leftMs <= 0) ping()
    timer = setTimeout(look, leftMs > 0 ? leftMs : KEEP_ALIVE_AFTER_MS)
  }
  let timer = setTimeout(look, KEEP_ALIVE_AFTER_MS)
  maConn.addEventListener('message', () => {
    heardAt = performance.now()
  })
  maConn.addEventListener('close', () => clearTimeout(timer))
  // Windows grow by the round trip, which only a ping tells.
  queueMicrotask(ping)
}

/** An update that opens or accepts the stream always leaves. */
function updatesWindowsRarely(stream: YamuxStream): YamuxStream {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const { state, recvWindow, recvWindowCapacity } = stream
    if (state === StreamState.Established && recvWindow - recvWindowCapacity < WINDOW_UPDATE_BYTES) return
    sendWindowUpdate()
  }
  return stream
}
