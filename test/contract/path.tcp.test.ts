import { pathContract } from './path.contract.ts'
import { startCarriers } from './support/carriers.ts'

pathContract('TCP', { start: () => startCarriers('tcp'), readerCanStop: true })
