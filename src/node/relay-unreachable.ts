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

/** In words. Where a dial failed at several addresses libp2p and Node have them in `errors`, and no message. */
export function reasonOf(error: Error & { errors?: Error[] }): string {
  return error.errors?.map(reasonOf).join('; ') ?? error.message
}
