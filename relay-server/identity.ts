import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { RelayError } from './errors.ts'

/**
 * Where the key lives unless told otherwise: the place each system keeps an application's own data in.
 * `$XDG_DATA_HOME` (default `~/.local/share`), `~/Library/Application Support`, or `%LOCALAPPDATA%`.
 */
export function defaultIdentityPath(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const home = homedir()
  const base =
    platform === 'win32'
      ? (env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Application Support')
        : (env.XDG_DATA_HOME ?? join(home, '.local', 'share'))

  return join(base, 'holdfast-relay', 'identity.key')
}

/**
 * The relay's key: read from `path`, or made and written there the first time. It decides the PeerId, which is part of
 * every address that clients hold, so losing it means telling them all; whoever copies it can pose as this relay.
 *
 * The file (libp2p's protobuf, Ed25519) has mode 0600, directories made for it 0700. It appears whole or not at all,
 * and of two relays that start at once both use the key of the one that came first.
 *
 * @throws {RelayError} IDENTITY_EXPOSED, IDENTITY_CORRUPT, IDENTITY_UNREADABLE
 */
export async function loadIdentity(path: string): Promise<PrivateKey> {
  try {
    return (await read(path)) ?? (await create(path))
  } catch (err) {
    if (err instanceof RelayError) {
      throw err
    }

    throw new RelayError(
      'IDENTITY_UNREADABLE',
      `Cannot read or write the identity file ${path}: ${(err as Error).message}`,
      'Give this user access to it, or name another file with --identity PATH.',
      { cause: err }
    )
  }
}

async function read(path: string): Promise<PrivateKey | undefined> {
  let bytes: Uint8Array

  try {
    const { mode } = await stat(path)

    // Windows has no such bits; access there follows the profile directory
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new RelayError(
        'IDENTITY_EXPOSED',
        `Other users may read the identity file ${path} (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`,
        `Run: chmod 600 '${path}'. If somebody may have copied it, delete it instead: the relay gets a new PeerId.`
      )
    }

    bytes = await readFile(path)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }

    throw err
  }

  try {
    return privateKeyFromProtobuf(bytes)
  } catch (err) {
    throw new RelayError(
      'IDENTITY_CORRUPT',
      `The identity file ${path} is not a libp2p private key`,
      'Restore it from a backup, or delete it: the relay gets a new PeerId, and clients need its new address.',
      { cause: err }
    )
  }
}

async function create(path: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`

  await mkdir(dirname(path), { recursive: true, mode: 0o700 })

  const file = await open(temporary, 'wx', 0o600)

  try {
    await file.writeFile(privateKeyToProtobuf(key))
    await file.sync()
  } finally {
    await file.close()
  }

  try {
    await publish(temporary, path)
  } catch (err) {
    await unlink(temporary)

    if ((err as NodeJS.ErrnoException).code === 'EEXIST') {
      // another relay was faster: its key is the identity now
      return loadIdentity(path)
    }

    throw err
  }

  return key
}

/** Gives the finished file its name, unless somebody else did so before: `link` fails then, `rename` would overwrite. */
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (err) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((err as NodeJS.ErrnoException).code ?? '')) {
      throw err
    }

    // a file system without hard links
    await rename(temporary, path)
    return
  }

  await unlink(temporary)
}
