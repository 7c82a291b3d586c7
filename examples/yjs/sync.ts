import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import * as Y from 'yjs'

export const syncProtocol = '/holdfast-example/yjs/1.0.0'

/** What a frame begins with. */
const STATE_VECTOR = 0
const UPDATE = 1

/**
 * Keeps the document and the peer's the same for as long as the stream lives, which is as long as the link does: outages
 * in between are not noticed here. Each side says what it has, gets what it lacks, then every change. Resolves when the peer
 * has left.
 *
 * @throws what else ended the stream
 */
export async function sync(doc: Y.Doc, stream: Stream): Promise<void> {
  const frames = lpStream(stream)
  let waiting: Uint8Array[] = []
  let writing = Promise.resolve()

  const write = (type: number, bytes: Uint8Array) => frames.write(new Uint8ArrayList(Uint8Array.of(type), bytes))
  /** While the link takes no more, changes become one. */
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return
    const update = Y.mergeUpdates(waiting)
    waiting = []
    await write(UPDATE, update)
  }
  const send = (update: Uint8Array, origin?: unknown): void => {
    if (origin === stream) return // the peer's own
    waiting.push(update)
    writing = writing.then(flush)
    writing.catch((err: Error) => stream.abort(err))
  }

  doc.on('update', send)
  try {
    await write(STATE_VECTOR, Y.encodeStateVector(doc))
    while (true) {
      const [type, bytes] = split(await frames.read())
      if (type === STATE_VECTOR) send(Y.encodeStateAsUpdate(doc, bytes))
      else Y.applyUpdate(doc, bytes, stream)
    }
  } catch (err) {
    if ((err as Error).name !== 'UnexpectedEOFError') {
      stream.abort(err as Error)
      throw err
    }
    await stream.close()
  } finally {
    doc.off('update', send)
  }
}

function split(frame: Uint8ArrayList): [type: number, bytes: Uint8Array] {
  return [frame.get(0), frame.subarray(1)]
}
