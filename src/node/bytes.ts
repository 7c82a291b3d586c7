import type { Uint8ArrayList } from 'uint8arraylist'

/** Not `slice()`: a Node Buffer's shares memory. */
export function copy(data: Uint8Array | Uint8ArrayList): Uint8Array {
  const bytes = new Uint8Array(data.byteLength)
  if (data instanceof Uint8Array) {
    bytes.set(data)
  } else {
    let at = 0
    for (const chunk of data) {
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
  }
  return bytes
}
