import { pathContract } from './path.contract.ts'
import { startCarriers } from './support/carriers.ts'

pathContract('WebRTC', { start: () => startCarriers('webrtc'), readerCanStop: false })
