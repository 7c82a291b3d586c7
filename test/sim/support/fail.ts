/** An invariant does not hold. The world adds seed and time. */
export class BrokenInvariantError extends Error {
  static override name = 'BrokenInvariantError'
  override name = 'BrokenInvariantError'
}

export function fail(what: string): never {
  throw new BrokenInvariantError(what)
}
