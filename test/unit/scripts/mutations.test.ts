import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MUTATIONS, mutate } from '../../mutations/index.ts'

const root = join(import.meta.dirname, '../../..')

describe('the rules that are broken on purpose', () => {
  it.each(MUTATIONS)('have a place to break them: $breaks', (mutation) => {
    const text = readFileSync(join(root, mutation.file), 'utf8')
    expect(mutate(text, mutation)).not.toBe(text)
  })

  it('are different ones', () => {
    expect(new Set(MUTATIONS.map(({ breaks }) => breaks)).size).toBe(MUTATIONS.length)
  })
})
