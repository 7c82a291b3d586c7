import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The stock circuit relay transport for a node that listens on several relays. Stock starts when all took the node in, and
 * fails when one did not; this starts with the first, and fails when there is none. The others go on in the background.
 */
export function relayTransport(relays: number): (components: never) => Transport {
  // Stock forgets the reservations that wait in its queue when another one comes true (libp2p 3.3): none may wait.
  const create = circuitRelayTransport({ reservationConcurrency: Math.max(1, relays) })
  return (components) => {
    const transport = create(components) as Transport
    const createListener = transport.createListener.bind(transport)
    const first = new FirstOf(relays)
    transport.createListener = (options): Listener => {
      const listener = createListener(options)
      const listen = listener.listen.bind(listener)
      listener.listen = (address: Multiaddr) => first.join(listen(address))
      listener.addEventListener('close', () => first.reset())
      return listener
    }
    return transport
  }
}

/**
 * Attempts that succeed together with the first of them, and fail, each by its own error, when all have failed. After that
 * each stands for itself, until the node is started again.
 */
class FirstOf {
  readonly #count: number
  #round = Promise.withResolvers<void>()
  #failed = 0
  #joined = 0

  constructor(count: number) {
    this.#count = count
    this.#round.promise.catch(() => {})
  }

  async join(attempt: Promise<void>): Promise<void> {
    if (this.#joined >= this.#count) return attempt
    this.#joined++
    const round = this.#round
    let own: Error | undefined
    attempt.then(round.resolve, (error: Error) => {
      own = error
      this.#failed++
      if (this.#failed >= this.#count) round.reject(error)
    })
    try {
      await round.promise
    } catch (err) {
      throw own ?? err
    }
  }

  reset(): void {
    this.#failed = 0
    this.#joined = 0
    this.#round = Promise.withResolvers()
    this.#round.promise.catch(() => {})
  }
}
