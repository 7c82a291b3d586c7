import type {
  ComponentLogger,
  ConnectionGater,
  Libp2pEvents,
  Metrics,
  PeerId,
  PeerStore,
  PrivateKey,
  TypedEventTarget,
  Upgrader
} from '@libp2p/interface'
import type {
  AddressManager,
  ConnectionManager,
  RandomWalk,
  Registrar,
  TransportManager
} from '@libp2p/interface-internal'

/** What links need of a libp2p node. */
export interface LinkComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly upgrader: Upgrader
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
  readonly transportManager: TransportManager
  readonly addressManager: AddressManager
  readonly randomWalk: RandomWalk
  readonly peerStore: PeerStore
  readonly connectionGater: ConnectionGater
  readonly metrics?: Metrics
}
