import { closeMeansDelivered } from './support/close/suite.ts'
import { amount } from './support/soak.ts'

for (const carrier of ['ws', 'wss'] as const) {
  closeMeansDelivered(carrier, { trials: amount(240, 10_000), stops: amount(10, 200), diallers: 16 })
}
