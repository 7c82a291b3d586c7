import { closeMeansDelivered } from './support/close/suite.ts'
import { amount } from './support/soak.ts'

closeMeansDelivered('relay', { trials: amount(240, 10_000), stops: amount(10, 200), diallers: 16 })
