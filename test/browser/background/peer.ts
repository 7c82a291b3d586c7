// The other person, in the foreground: a Node process of its own, told what to do over IPC by peer-process.ts. A runtime
// without tabs, so that what happens to the link happened to the page's side of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { createNode, type Link } from '../../../src/index.ts'
import type { Answer, Question, Story } from './peer-process.ts'

const ECHO = '/holdfast-test/echo/1.0.0'

/** Far above what any answer may take: after it the test is told, and can say what happened. */
const ANSWER_MS = 30_000

const [upgrade, relayAddresses = '', stunServer = ''] = process.argv.slice(2)
const node = await createNode({
  upgrade: upgrade as 'auto' | 'never',
  relays: relayAddresses.split(','),
  stunServers: stunServer === '' ? [] : [stunServer]
})

/** In order; a link that follows another one is a failure that the test must see. */
const links: Link[] = []
const ended: string[] = []
const answered: number[] = []
let answers: ReturnType<typeof lpStream> | undefined
let streaming: Promise<void> | undefined
let stopped = false

node.services.links.addEventListener('link:open', ({ detail }) => {
  links.push(detail)
})
await node.handle(ECHO, async (stream) => {
  stream.addEventListener('close', () => ended.push(`echo of the page: ${stream.status}`))
  const frames = lpStream(stream)
  for (;;) {
    const message = await frames.read().catch(() => undefined)
    if (message == null) return
    await frames.write(message)
  }
})

function currentLink(): Link {
  const link = links.at(-1)
  if (link == null) throw new Error('there is no link')
  return link
}

async function openEcho(): Promise<ReturnType<typeof lpStream>> {
  if (answers != null) return answers
  const stream: Stream = await currentLink().connection.newStream(ECHO)
  stream.addEventListener('close', () => ended.push(`echo of the peer: ${stream.status}`))
  answers = lpStream(stream)
  return answers
}

/** Sends without waiting for answers, which are numbers in order. */
async function stream(intervalMs: number): Promise<void> {
  const frames = await openEcho()
  const send = async (): Promise<void> => {
    for (let n = 0; !stopped; n++) {
      await frames.write(Buffer.from(String(n)))
      await sleep(intervalMs)
    }
    await frames.write(Buffer.from('end'))
  }
  const receive = async (): Promise<void> => {
    for (;;) {
      const text = Buffer.from((await frames.read()).subarray()).toString()
      if (text === 'end') return
      answered.push(Number(text))
    }
  }
  await Promise.all([send(), receive()])
}

const handlers: { [K in keyof Question]: (argument: Question[K]) => Promise<Answer[K]> | Answer[K] } = {
  peerId: () => node.peerId.toString(),
  async dial(peerId) {
    await node.services.links.dial(peerIdFromString(peerId))
    return undefined
  },
  async say(text) {
    const start = performance.now()
    const frames = await openEcho()
    await frames.write(Buffer.from(text))
    const answer = Buffer.from((await frames.read({ signal: AbortSignal.timeout(ANSWER_MS) })).subarray()).toString()
    if (answer !== text) throw new Error(`the answer to ${text} was ${answer}`)
    return performance.now() - start
  },
  startStream(intervalMs) {
    streaming = stream(intervalMs)
    streaming.catch((err) => ended.push(`stream of the peer: ${err}`))
    return undefined
  },
  async endStream() {
    stopped = true
    await streaming
    return answered
  },
  story: (): Story => ({
    links: links.length,
    isCurrent: node.services.links.get(currentLink().remotePeer) === links[0],
    status: currentLink().state.status,
    history: currentLink().history.map(({ at, to, cause }) => ({ at, to, cause })),
    paths: currentLink().paths.map(({ kind, role, openedAt }) => ({ kind, role, openedAt })),
    ended
  })
}

process.on('message', async ({ id, name, argument }: { id: number; name: keyof Question; argument: never }) => {
  try {
    process.send?.({ id, result: await handlers[name](argument) })
  } catch (err) {
    process.send?.({ id, error: (err as Error).stack })
  }
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
