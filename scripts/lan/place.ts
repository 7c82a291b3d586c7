/** Where `npm start` serves: on this machine, or to its network. */
export interface Place {
  /** Where the page's port has to be free. */
  hosts: string[]
  stunHost: string
  relayArguments: (pagePort: number) => string[]
  /** Resolves when the page can be opened. */
  servePage: (pagePort: number, relayPort: number) => Promise<{ close: () => Promise<void> }>
  welcome: (pagePort: number) => string
}
