import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultIdentityPath, loadIdentity } from '../../../relay-server/identity.ts'

let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-identity-'))
  path = join(directory, 'made', 'for it', 'identity.key')
})

afterEach(() => rm(directory, { recursive: true }))

const peerIdOf = async (): Promise<string> => (await loadIdentity(path)).publicKey.toString()
const modeOf = async (file: string): Promise<string> => ((await stat(file)).mode & 0o777).toString(8)

describe('identity', () => {
  it('is an Ed25519 key, made once and found again', async () => {
    const key = await loadIdentity(path)
    expect(key.type).toBe('Ed25519')
    expect(await peerIdOf()).toBe(key.publicKey.toString())
  })

  it.skipIf(process.platform === 'win32')('is for its owner only, and so are directories made for it', async () => {
    await loadIdentity(path)
    expect(await modeOf(path)).toBe('600')
    expect(await modeOf(dirname(path))).toBe('700')
    expect(await modeOf(dirname(dirname(path)))).toBe('700')
  })

  it('leaves nothing else behind', async () => {
    await loadIdentity(path)
    expect(await readdir(dirname(path))).toEqual(['identity.key'])
  })

  it('is the same for all who make it at once', async () => {
    const peerIds = await Promise.all(Array.from({ length: 8 }, peerIdOf))
    expect(new Set(peerIds).size).toBe(1)
    expect(await peerIdOf()).toBe(peerIds[0])
    expect(await readdir(dirname(path))).toEqual(['identity.key'])
  })

  it('that is corrupt is refused and left as it is', async () => {
    await loadIdentity(path)

    for (const content of ['', 'not a key', '\x08\x01\x12\x40']) {
      await writeFile(path, content)
      await expect(loadIdentity(path)).rejects.toMatchObject({
        name: 'RelayError',
        code: 'IDENTITY_CORRUPT',
        message: expect.stringContaining(path),
        remedy: expect.stringContaining('delete it')
      })
      expect(await readFile(path, 'latin1')).toBe(content)
    }
  })

  it.skipIf(process.platform === 'win32')('that others may read or write is refused', async () => {
    await loadIdentity(path)

    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      await chmod(path, mode)
      await expect(loadIdentity(path)).rejects.toMatchObject({
        code: 'IDENTITY_EXPOSED',
        remedy: expect.stringContaining(`chmod 600 '${path}'`)
      })
    }

    await chmod(path, 0o400)
    await loadIdentity(path)
  })

  it('in a place that cannot be is refused', async () => {
    await writeFile(join(directory, 'made'), 'a file')
    await expect(loadIdentity(path)).rejects.toMatchObject({
      code: 'IDENTITY_UNREADABLE',
      message: expect.stringContaining(path),
      remedy: expect.stringContaining('--identity')
    })
  })
})

it('the default place is where each system keeps application data', () => {
  const key = join('holdfast-relay', 'identity.key')
  expect(defaultIdentityPath({ XDG_DATA_HOME: '/data' }, 'linux')).toBe(join('/data', key))
  expect(defaultIdentityPath({}, 'linux')).toMatch(join('.local', 'share', key))
  expect(defaultIdentityPath({}, 'darwin')).toMatch(join('Library', 'Application Support', key))
  expect(defaultIdentityPath({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', key))
})
