const noRelay =
  'No relay is named, so nobody can reach this page: start the demo with npm start, or add ?relay=<multiaddr of your relay> to the address.'

/** The node of a page ends by itself in one case only: on its return from the back/forward cache. */
export const takenOver =
  'While this page was put aside, another tab took its PeerId: try again to go on with a PeerId of its own.'

/** Why this page cannot start, in one sentence with the remedy; `undefined` when it can. */
export function whyNotStarted(relays: readonly string[]): string | undefined {
  if (!isSecureContext) {
    return 'Browsers keep cryptography to https and localhost: run npm start -- --lan and open the https address it prints, or open this page at localhost.'
  }
  return relays.length === 0 ? noRelay : undefined
}

export interface StartMistake {
  readonly sentence: string
  /** Whether trying again may help. */
  readonly retry: boolean
}

export function startMistake(err: unknown, relays: readonly string[]): StartMistake {
  const error = err instanceof Error ? err : new Error(String(err))
  switch (error.name) {
    case 'RelayUnreachableError':
      return {
        sentence: `No relay answers: check that one runs at ${relays.join(' or ')}, then try again.`,
        retry: true
      }
    case 'InvalidOptionError':
      return { sentence: `The address of this page has a mistake: ${error.message}.`, retry: false }
    default:
      return { sentence: `This page could not start: ${error.message}.`, retry: true }
  }
}
