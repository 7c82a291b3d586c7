// What specs find in a page.
declare global {
  var holdfast: typeof import('../../../../src/index.browser.ts')
  var Person: typeof import('./person.ts').Person
  /** Multiaddrs of the relay that runs for all tests, or what `openPage` was told. */
  var relays: string[]
  /** `stun:host:port` of that relay. */
  var stunUrl: string
  /** The one of this page, kept here by a spec. */
  var person: import('./person.ts').Person
}

export {}
