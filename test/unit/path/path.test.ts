// What needs a carrier that misbehaves in a given way; what all carriers must do is in test/contract.
import { describe, expect, it } from 'vitest'
import { PathTruncatedError, SessionPath } from '../../../src/path/index.ts'
import { encodeFrame, type Frame, MAX_STREAM_PAYLOAD, MalformedFrameError } from '../../../src/wire/index.ts'
import { Recorder } from '../../contract/support/recorder.ts'
import { type MemoryCarrierInit, memoryCarrier } from '../../support/memory-carrier.ts'

const frame = (text: string): Frame => ({
  type: 'stream',
  stream: 0,
  offset: 0,
  fin: false,
  data: new TextEncoder().encode(text)
})
const encoded = (one: Frame): Uint8Array => Uint8Array.from(encodeFrame(one).flatMap((part) => [...part]))
/** The carrier delivers one message per round of the event loop: after these, all that the tests send has arrived. */
const settled = async (): Promise<void> => {
  for (let round = 0; round < 8; round++) await new Promise((resolve) => setImmediate(resolve))
}

function pair(init?: MemoryCarrierInit) {
  const carrier = memoryCarrier(init)
  const [from, to] = [new Recorder(), new Recorder()]
  const dialler = new SessionPath({ ...carrier.dialler, handler: from })
  const listener = new SessionPath({ ...carrier.listener, handler: to })
  return { carrier, from, to, dialler, listener }
}

describe('a path', () => {
  it('sends small frames of one write in one carrier message', async () => {
    const messages: number[] = []
    const { dialler, to } = pair({
      tap: (data) => {
        messages.push(data.byteLength)
        return data
      }
    })
    dialler.write([frame('a'), frame('b'), frame('c')])
    await to.until(() => to.frames.length === 3)
    expect(messages).toEqual([
      encodeFrame(frame('a'))
        .flat()
        .reduce((sum, part) => sum + part.byteLength, 0) * 3
    ])
  })

  it('sends stream data in messages of one frame each, so that no hop has to wait for more', async () => {
    const messages: number[] = []
    const { dialler, to } = pair({
      tap: (data) => {
        messages.push(data.byteLength)
        return data
      }
    })
    const bulk: Frame = { type: 'stream', stream: 0, offset: 0, fin: false, data: new Uint8Array(MAX_STREAM_PAYLOAD) }
    dialler.write([frame('a'), bulk, bulk, frame('b')])
    await to.until(() => to.frames.length === 4)
    expect(to.frames).toEqual([frame('a'), bulk, bulk, frame('b')])
    expect(messages).toHaveLength(2)
    expect(Math.max(...messages)).toBeLessThan(16_384)
  })

  it('takes frames apart however the carrier cuts them', async () => {
    const { carrier, to } = pair()
    const bytes = encodeFrame(frame('hello')).flatMap((part) => [...part])
    for (const byte of [...bytes, ...bytes]) carrier.dialler.stream.send(Uint8Array.of(byte))
    await to.until(() => to.frames.length === 2)
    expect(to.frames).toEqual([frame('hello'), frame('hello')])
  })

  it('tells of room only when the carrier has sent everything it held', async () => {
    const { carrier, dialler, from } = pair({ capacityBytes: 10 })
    let writable = 0
    from.onWritable = () => {
      writable++
    }
    expect(dialler.write([frame('more than ten bytes')])).toBe(false)
    // yamux dispatches this at every window update, whether or not anything is left.
    carrier.dialler.stream.dispatchEvent(new Event('drain'))
    carrier.dialler.stream.writableNeedsDrain = true
    await Promise.resolve()
    await Promise.resolve()
    expect(writable).toBe(0)
    await settled()
    await settled()
    expect(writable).toBe(1)
    carrier.dialler.stream.dispatchEvent(new Event('drain'))
    await settled()
    expect(writable).toBe(1)
  })

  it('passes on what arrived before its carrier died, even in the same moment', async () => {
    const carrier = memoryCarrier()
    const to = new Recorder()
    carrier.dialler.stream.send(encodeFrame(frame('last words'))[0]!)
    carrier.dialler.stream.send(encodeFrame(frame('last words'))[1]!)
    await settled()
    carrier.kill()
    new SessionPath({ ...carrier.listener, handler: to })
    expect(to.closed).toBe(0)
    await to.untilClosed()
    expect(to.frames).toEqual([frame('last words')])
    expect(to.error).toBeUndefined()
  })

  it('names the loss when it is cut off in the middle of a frame', async () => {
    const { carrier, to } = pair()
    carrier.dialler.stream.send(encodeFrame(frame('cut'))[0]!)
    await settled()
    carrier.kill()
    await to.untilClosed()
    expect(to.error).toBeInstanceOf(PathTruncatedError)
  })

  it('keeps the reason of a carrier that failed', async () => {
    const { carrier, from, to, dialler } = pair()
    const reason = new Error('the network failed')
    carrier.kill(reason)
    await Promise.all([from.untilClosed(), to.untilClosed()])
    expect(from.error).toBe(reason)
    expect([from.closed, to.closed]).toEqual([1, 1])
    dialler.abort(new Error('again'))
    await dialler.close()
    expect(from.closed).toBe(1)
  })

  it('ends with its connection, though the stream does not know yet', async () => {
    const { carrier, from } = pair()
    ;(carrier.dialler.connection as unknown as EventTarget).dispatchEvent(new Event('close'))
    await from.untilClosed()
    expect(from.closed).toBe(1)
  })

  it('is ended by a handler that throws, and by nothing it threw before', async () => {
    const { dialler, listener, to } = pair()
    const onFrames = to.onFrames.bind(to)
    to.onFrames = (path, frames) => {
      onFrames(path, frames)
      throw new Error('a bug of ours')
    }
    dialler.write([frame('x')])
    await to.untilClosed()
    expect(to.error?.message).toBe('a bug of ours')
    expect(listener.status).toBe('closed')
  })

  it('hands over good frames before the bad one they came with, and nothing after', async () => {
    const { carrier, to } = pair()
    const good = encodeFrame(frame('good')).flatMap((part) => [...part])
    carrier.dialler.stream.send(Uint8Array.from([...good, 0, ...good]))
    await to.untilClosed()
    expect(to.frames).toEqual([frame('good')])
    expect(to.error).toBeInstanceOf(MalformedFrameError)
  })

  describe('under a flood of tiny frames', () => {
    const FLOOD = 4_000
    const flood = (): Uint8Array =>
      Uint8Array.from(Array.from({ length: FLOOD }, () => [...encoded(frame('x'))]).flat())

    it('leaves others their turn, and holds the carrier back meanwhile', async () => {
      const { carrier, to } = pair()
      const seen: number[] = []
      to.onFrames = (_path, frames) => {
        seen.push(frames.length)
        to.frames.push(...frames)
      }
      carrier.dialler.stream.send(flood())
      const statuses = new Set<string>()
      let turns = 0
      while (to.frames.length < FLOOD) {
        await new Promise((resolve) => setImmediate(resolve))
        turns++
        if (to.frames.length > 0 && to.frames.length < FLOOD) statuses.add(carrier.listener.stream.readStatus)
      }
      await settled()
      expect([...statuses]).toEqual(['paused'])
      expect(carrier.listener.stream.readStatus).toBe('readable')
      expect(Math.max(...seen)).toBeLessThanOrEqual(100)
      expect(turns).toBeGreaterThanOrEqual(FLOOD / 100 - 1)
    })

    it('takes in order what comes while it is behind', async () => {
      const { carrier, to } = pair()
      carrier.dialler.stream.send(flood())
      carrier.dialler.stream.send(encoded(frame('last')))
      await to.until(() => to.frames.length === FLOOD + 1)
      expect(to.frames.at(-1)).toEqual(frame('last'))
    })

    it.each([
      ['its carrier dies', ({ carrier }) => carrier.kill()],
      ['the peer closes', ({ dialler }) => dialler.close()],
      ['it is closed', ({ listener }) => listener.close()],
      [
        'its connection closes first',
        ({ carrier }) => {
          ;(carrier.listener.connection as unknown as EventTarget).dispatchEvent(new Event('close'))
        }
      ]
    ] satisfies Array<[string, (ends: ReturnType<typeof pair>) => unknown]>)(
      'loses nothing that had arrived when %s',
      async (_how, end) => {
        const ends = pair()
        const { carrier, to } = ends
        carrier.dialler.stream.send(flood())
        carrier.dialler.stream.send(encoded(frame('last')))
        while (carrier.listener.stream.readBufferLength === 0) await new Promise((resolve) => setImmediate(resolve))
        expect(to.frames.length).toBeLessThan(FLOOD)
        await end(ends)
        await to.untilClosed()
        expect(to.frames).toHaveLength(FLOOD + 1)
        expect(to.error).toBeUndefined()
      }
    )

    it('reads nothing more once it was aborted', async () => {
      const { carrier, listener, to } = pair()
      carrier.dialler.stream.send(flood())
      await to.until(() => to.frames.length > 0)
      const { length } = to.frames
      listener.abort(new Error('enough'))
      await settled()
      expect(to.frames).toHaveLength(length)
    })
  })

  it('closes back when the peer closes, at once for its owner', async () => {
    const { carrier, dialler, from, to, listener } = pair()
    listener.write([frame('not lost')])
    await dialler.close()
    await Promise.all([from.untilClosed(), to.untilClosed()])
    expect(from.frames).toEqual([frame('not lost')])
    await settled()
    expect([carrier.dialler.stream.status, carrier.listener.stream.status]).toEqual(['closed', 'closed'])
    expect([from.error, to.error]).toEqual([undefined, undefined])
  })
})
