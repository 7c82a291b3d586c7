// Drops a file at a PeerId, or receives files into a folder. See examples/README.md.
//
// One stream per file. The sender: { name, size, sha256 }; the receiver: {} to go on; the sender: the bytes, and the end of
// its direction; the receiver: { sha256 } of what it stored. Instead of either answer: { error }.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, open, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { createNode } from 'libp2p-holdfast'

interface Offer {
  readonly name: string
  readonly size: number
  readonly sha256: string
}

const protocol = '/holdfast-example/file-drop/1.0.0'
const usage = `Usage: node examples/file-drop.ts --relay <multiaddr of a relay> --into <folder> [--max-bytes <number>]
       node examples/file-drop.ts --relay <multiaddr of a relay> [--name <name there>] <PeerId> <file>`
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    relay: { type: 'string' },
    into: { type: 'string' },
    'max-bytes': { type: 'string', default: '1000000000' },
    name: { type: 'string' }
  }
})
const { relay, into: folder } = values
const [peerId, file] = positionals
if (relay == null || (folder == null && file == null)) throw new Error(usage)

const node = await createNode({ relays: [relay] })
if (folder != null) {
  await node.handle(protocol, (stream) => receive(stream, folder))
  process.once('SIGINT', () => node.stop())
  console.error(`Receiving; others type: node examples/file-drop.ts --relay ${relay} ${node.peerId} <file>`)
} else {
  try {
    await send(await node.dialProtocol(peerIdFromString(peerId!), protocol), file!, values.name ?? basename(file!))
  } catch (err) {
    console.error(`Not sent: ${(err as Error).message}`)
    process.exitCode = 1
  }
  await node.stop()
}

async function send(stream: Stream, file: string, name: string): Promise<void> {
  const { size } = await stat(file)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  const sha256 = hash.digest('hex')

  const messages = json(stream)
  await messages.write({ name, size, sha256 } satisfies Offer)
  await messages.read()
  const show = progress(name, size)
  for await (const chunk of createReadStream(file)) {
    show(chunk.byteLength)
    // False: the link holds all it may of what the receiver has not taken yet. Reading on would fill memory.
    if (!stream.send(chunk)) await stream.onDrain()
  }
  await stream.close()
  const stored = await messages.read()
  if (stored.sha256 !== sha256) throw new Error(`the receiver stored something else, of SHA-256 ${stored.sha256}`)
  console.error(`${name} is there, SHA-256 ${sha256}`)
}

async function receive(stream: Stream, folder: string): Promise<void> {
  const messages = json(stream)
  try {
    const offer = checked(await messages.read())
    await store(offer, folder, async () => {
      await messages.write({})
      return messages.unwrap()
    })
    await json(stream).write({ sha256: offer.sha256 })
    console.error(`${offer.name} is there, SHA-256 ${offer.sha256}`)
  } catch (err) {
    console.error(`Refused: ${(err as Error).message}`)
    const error = 'path' in (err as Error) ? 'it cannot be stored there' : (err as Error).message
    await json(stream).write({ error })
    await stream.closeRead()
  }
  await stream.close()
}

/** What comes from a peer is checked before anything is done with it: a name must not lead out of the folder. */
function checked({ name, size, sha256 }: Partial<Offer>): Offer {
  if (typeof name !== 'string' || !/^[^.\p{Cc}/\\:][^\p{Cc}/\\:]*$/u.test(name)) {
    throw new Error(`${JSON.stringify(name)} is not the plain name of a file`)
  }
  if (!Number.isSafeInteger(size) || size! < 0 || size! > Number(values['max-bytes'])) {
    throw new Error(`${name} has ${size} bytes, more than --max-bytes ${values['max-bytes']}`)
  }
  if (typeof sha256 !== 'string') throw new Error(`${name} comes without its SHA-256`)
  return { name, size: size!, sha256 }
}

/** The name appears in the folder when the whole file is there, and never replaces another. */
async function store({ name, size, sha256 }: Offer, folder: string, begin: () => Promise<Stream>): Promise<void> {
  const part = join(folder, `.${randomUUID()}.part`)
  const hash = createHash('sha256')
  const handle = await open(part, 'wx')
  try {
    let missing = size
    const show = progress(name, size)
    // The loop takes the next chunk when the disk has this one: until then the sender waits.
    for await (const chunk of await begin()) {
      const bytes = chunk.subarray()
      missing -= bytes.byteLength
      if (missing < 0) throw new Error(`${name} is longer than announced`)
      hash.update(bytes)
      await handle.writeFile(bytes)
      show(bytes.byteLength)
    }
    await handle.sync()
    if (missing > 0 || hash.digest('hex') !== sha256) throw new Error(`${name} is not what was announced`)
    await link(part, join(folder, name))
  } finally {
    await handle.close()
    await rm(part)
  }
}

function progress(name: string, size: number): (bytes: number) => void {
  let done = 0
  let shown = -1
  return (bytes) => {
    done += bytes
    const percent = Math.floor((100 * done) / size)
    if (percent > shown) process.stderr.write(`\r${name}: ${percent} % of ${size} bytes${percent === 100 ? '\n' : ''}`)
    shown = percent
  }
}

function json(stream: Stream) {
  const frames = lpStream(stream, { maxDataLength: 4_096 })
  return {
    write: (message: object) => frames.write(Buffer.from(JSON.stringify(message))),
    async read() {
      const message = JSON.parse(Buffer.from((await frames.read()).subarray()).toString())
      if (message.error != null) throw new Error(stripVTControlCharacters(`${message.error}`))
      return message
    },
    unwrap: () => frames.unwrap()
  }
}
