import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Frame } from '../../../src/wire/index.ts'
import { decodeAll, encoded, fromHex, toHex } from './bytes.ts'
import { FRAME_TYPES } from './random-frame.ts'

const VECTOR = /^vector (?<name>[^:]+): (?<hex>[0-9a-f]+) = (?<json>\{.*\})$/

interface Vector {
  readonly name: string
  readonly bytes: Uint8Array
  readonly frame: Frame
}

/** Lines `vector <name>: <hex> = <JSON>` inside fenced blocks; byte strings are `{"hex":"…"}`. */
function vectorsOf(markdown: string): Vector[] {
  const vectors: Vector[] = []
  let fenced = false
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced
    if (!fenced || !line.startsWith('vector ')) continue
    const found = VECTOR.exec(line)?.groups
    if (found == null) throw new Error(`Not a vector: ${line}`)
    vectors.push({ name: found.name!, bytes: fromHex(found.hex!), frame: JSON.parse(found.json!, bytesOf) as Frame })
  }
  return vectors
}

function bytesOf(_key: string, value: unknown): unknown {
  const hex = (value as { hex?: unknown } | null)?.hex
  return typeof hex === 'string' ? fromHex(hex) : value
}

describe('docs/PROTOCOL.md', () => {
  const vectors = vectorsOf(readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8'))

  it('has at least one vector of each frame type', () => {
    const types = new Set(vectors.map(({ frame }) => frame.type))
    expect(FRAME_TYPES.filter((type) => !types.has(type))).toEqual([])
  })

  it('has vectors with different names', () => {
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
  })

  for (const { name, bytes, frame } of vectors) {
    it(`vector ${name} decodes to the frame beside it`, () => {
      expect(decodeAll(bytes)).toEqual([frame])
    })

    it(`vector ${name} is what we encode`, () => {
      expect(toHex(encoded(frame))).toBe(toHex(bytes))
    })
  }
})
