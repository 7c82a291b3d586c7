import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { root } from './markdown.ts'

it('the API reference is what the TSDoc in src says, and nothing exported is without', { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/api-docs/generate.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' }
  })
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
})
