// What scenarios find in a peer without Holdfast.
declare global {
  var StockPerson: typeof import('./person.ts').StockPerson
  /** The one of this peer, kept here by a scenario. */
  var stockPerson: import('./person.ts').StockPerson
}

export {}
