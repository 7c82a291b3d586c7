import { pathContract } from './path.contract.ts'
import { startCarriers } from './support/carriers.ts'

pathContract('WebSocket', { start: () => startCarriers('websocket'), readerCanStop: true })
