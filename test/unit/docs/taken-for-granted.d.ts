// What the code in README.md and docs uses without importing it, so that it stays short.
declare const peerId: import('@libp2p/interface').PeerId
declare const relays: string[]
declare const webSockets: typeof import('@libp2p/websockets').webSockets
declare const circuitRelayTransport: typeof import('@libp2p/circuit-relay-v2').circuitRelayTransport
declare const webRTC: typeof import('@libp2p/webrtc').webRTC
declare const identify: typeof import('@libp2p/identify').identify
