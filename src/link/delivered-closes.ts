import type {
  AbortOptions,
  MultiaddrConnection,
  Stream,
  StreamMuxer,
  StreamMuxerFactory,
  Upgrader
} from '@libp2p/interface'
import type { AbstractStreamMuxer } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { override } from './override.ts'
import { sendsWhole } from './whole-channel-messages.ts'

/**
 * Closing a connection closes its streams first, but stock libp2p 3.3 does not wait for one that is being closed already:
 * `stream.close(); connection.close()` drops what the stream had not handed over. Over WebRTC, where a stream has closed
 * when the peer says so, that is four messages of five. With this, the connection waits.
 */
export function deliveredCloses(factory: StreamMuxerFactory): StreamMuxerFactory {
  return override(factory, {
    createStreamMuxer: (maConn: MultiaddrConnection) => joinCloses(factory.createStreamMuxer(maConn))
  })
}

/** The same for transports that bring their own muxer, as WebRTC does. */
export function upgraderWithDeliveredCloses(upgrader: Upgrader): Upgrader {
  const upgradeOutbound: Upgrader['upgradeOutbound'] = (maConn, options) =>
    upgrader.upgradeOutbound(maConn, withDeliveredCloses(options))
  const upgradeInbound: Upgrader['upgradeInbound'] = (maConn, options) =>
    upgrader.upgradeInbound(maConn, withDeliveredCloses(options))
  return override(upgrader, { upgradeOutbound, upgradeInbound })
}

function withDeliveredCloses<T extends { muxerFactory?: StreamMuxerFactory }>(options: T): T {
  return options.muxerFactory == null ? options : { ...options, muxerFactory: deliveredCloses(options.muxerFactory) }
}

/** All muxers of libp2p are made like this: streams come in by the one method, and go out by the other. */
function joinCloses(muxer: StreamMuxer): StreamMuxer {
  const base = muxer as unknown as Pick<AbstractStreamMuxer, 'onRemoteStream'>
  const createStream = muxer.createStream.bind(muxer)
  const onRemoteStream = base.onRemoteStream.bind(muxer)
  muxer.createStream = async (options) => joinClosesOf(sendsWhole(await createStream(options)))
  base.onRemoteStream = (stream) => onRemoteStream(joinClosesOf(sendsWhole(stream)))
  return muxer
}

/** Whoever closes the stream after the first waits as well, until `signal` ends that; errors are the first one's. */
function joinClosesOf<T extends Pick<Stream, 'close'>>(stream: T): T {
  const close = stream.close.bind(stream)
  let closing: Promise<void> | undefined
  stream.close = async (options?: AbortOptions) => {
    if (closing == null) {
      closing = close(options)
      return closing
    }
    await raceSignal(closing, options?.signal).catch(() => {})
  }
  return stream
}
