import { StockPerson } from './person.ts'

Object.assign(globalThis, { StockPerson, ready: true })
