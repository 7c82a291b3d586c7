// Runs inside a host of the lab: starts a browser there (or is a Node peer itself) and does what the test asks over IPC,
// which is a pipe and no network: the host's own interface is all that its WebRTC can see.
import type { Answer, Answered, Asked, Opening, PeerKind, Question, Ready } from '../protocol.ts'
import { call, type Room, type Runtime } from './runtime.ts'

// Each loads only what it needs.
const runtimes: Record<PeerKind, () => Promise<Runtime>> = {
  chromium: async () => (await import('./browser.ts')).start('chromium'),
  firefox: async () => (await import('./browser.ts')).start('firefox'),
  webkit: async () => (await import('./webkit.ts')).start(),
  node: async () => (await import('./node.ts')).start()
}

const rooms = new Map<number, Room>()
let lastRoom = 0

function room(id: number): Room {
  const found = rooms.get(id)
  if (found == null) throw new Error(`page ${id} is closed`)
  return found
}

function handlers(runtime: Runtime): { [K in keyof Question]: (argument: Question[K]) => Promise<Answer[K]> } {
  return {
    async open(opening: Opening) {
      const id = ++lastRoom
      rooms.set(id, await runtime.open(opening))
      return id
    },
    evaluate: ({ page, source, argument }) => room(page).evaluate(call(source, argument)),
    errors: (page) => room(page).errors(),
    async close(page) {
      await room(page).close()
      rooms.delete(page)
      return undefined
    },
    async stop() {
      await runtime.stop()
      return undefined
    }
  }
}

const tell = (message: Ready | Answered): void => {
  if (process.connected) process.send?.(message)
}

try {
  const runtime = await runtimes[process.argv[2] as PeerKind]()
  const handle = handlers(runtime)
  process.on('message', async ({ id, name, argument }: Asked) => {
    try {
      tell({ id, result: await handle[name](argument as never) })
    } catch (err) {
      tell({ id, error: (err as Error).stack ?? String(err) })
    }
  })
  process.on('disconnect', () => {
    runtime.stop().finally(() => process.exit())
  })
  tell({ ready: true })
} catch (err) {
  tell({ ready: false, error: (err as Error).stack ?? String(err) })
}
