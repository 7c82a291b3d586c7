import type { Multiaddr } from '@multiformats/multiaddr'

/** None of the relays took this node in. */
export class RelayUnreachableError extends Error {
  static override name = 'RelayUnreachableError'
  override name = 'RelayUnreachableError'
}

export function relayUnreachable(relays: readonly Multiaddr[], errors: readonly Error[]): RelayUnreachableError {
  return new RelayUnreachableError(
    `No relay took this node in: is one running and reachable at ${relays.join(', ')}, and is that its PeerId? (${errors.map(reasonOf).join('; ')})`,
    { cause: errors[0] }
  )
}

/** What libp2p's dials fail with: an error, several of them, or the bare event of a WebSocket, which says nothing. */
type DialFailure = Error & { readonly errors?: DialFailure[] }

/** In words. */
export function reasonOf(failure: DialFailure): string {
  return failure.errors?.map(reasonOf).join('; ') || failure.message || 'it could not be reached'
}
