// The one frame this bench says by itself, as docs/PROTOCOL.md has it: `src/wire` is not for Node without a build.
import { encode } from 'uint8-varint'

const GOAWAY = 12

/** The sender of this leaves the path, and reads there for `delayMs` more. */
export function goaway(path: number, reason: number, delayMs: number): number[] {
  const body = [GOAWAY, path, reason, delayMs].flatMap((value) => [...encode(value)])
  return [...encode(body.length), ...body]
}
