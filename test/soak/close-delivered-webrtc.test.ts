import { closeMeansDelivered } from './support/close/suite.ts'
import { amount } from './support/soak.ts'

closeMeansDelivered('webrtc', { trials: amount(40, 1_000), stops: amount(4, 40), diallers: 8 })
