import { describe, expect, it, vi } from 'vitest'
import type { SessionStream } from '../../../src/node/stream.ts'
import { byMessage, endOfTask } from '../../../src/path/end-of-task.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../../src/wire/index.ts'
import { createPair, turns, until } from './pair.ts'

async function readAll(stream: SessionStream): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.byteLength
  return bytes
}

/** Frames as they pass, by direction. */
function wiretap() {
  const messages: Array<{ from: string; types: Array<Frame['type']> }> = []
  const decoders = { dialler: new FrameDecoder(), listener: new FrameDecoder() }
  return {
    messages,
    tap<T extends Iterable<Uint8Array>>(data: T, from: 'dialler' | 'listener'): T {
      const types: Array<Frame['type']> = []
      for (const chunk of data) for (const frame of decoders[from].push(chunk)) types.push(frame.type)
      messages.push({ from, types })
      return data
    }
  }
}

describe('the end of a task', () => {
  it.each([
    ['here', endOfTask],
    ['by message, as in browsers', byMessage]
  ])('comes once however often it was asked for, %s', async (_name, create) => {
    let runs = 0
    const task = create(() => runs++)
    task.schedule()
    task.schedule()
    await Promise.resolve()
    expect(runs).toBe(0)
    await until(() => runs > 0)
    await turns()
    expect(runs).toBe(1)
    task.schedule()
    await until(() => runs === 2)
    task.schedule()
    task.stop()
    await turns()
    expect(runs).toBe(2)
  })

  it('needs no timer, which hidden tabs hold back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] })
    try {
      for (const create of [endOfTask, byMessage]) {
        let runs = 0
        const task = create(() => runs++)
        task.schedule()
        await until(() => runs > 0)
        task.stop()
      }
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a driver', () => {
  it('writes what one task leads to in one carrier message, many small writes in few frames, and acknowledges many at once', async () => {
    const pair = createPair()
    const { messages, tap } = wiretap()
    pair.attach({ tap })
    const [from, to] = await pair.open()
    await turns()
    messages.length = 0
    for (let i = 0; i < 100; i++) from.send(Uint8Array.of(i))
    const read = readAll(to)
    await from.close()
    expect(await read).toBe(100)
    await turns()
    const sent = messages.filter(({ from }) => from === 'dialler')
    const answers = messages.filter(({ from }) => from === 'listener')
    // The first 32 by themselves, the others and the end together.
    expect(sent.flatMap(({ types }) => types)).toEqual(Array(33).fill('stream'))
    expect(sent.length).toBeLessThanOrEqual(2)
    expect(answers.flatMap(({ types }) => types)).toEqual(answers.map(() => 'ack'))
    expect(answers.length).toBeLessThanOrEqual(2)
  })

  it('coalesces the acknowledgements of carrier messages that arrive together', async () => {
    const pair = createPair()
    const { messages, tap } = wiretap()
    const carrier = pair.attach({ tap })
    await pair.open()
    await turns()
    messages.length = 0
    // Twenty messages within one round, as one poll of a socket brings them.
    const { stream } = carrier.listener
    for (let i = 0; i < 20; i++) {
      const frame: Frame = { type: 'stream', stream: 0, offset: i, fin: false, data: Uint8Array.of(i) }
      for (const part of encodeFrame(frame)) stream.onData(part)
    }
    await turns()
    expect(messages).toEqual([{ from: 'listener', types: ['ack'] }])
  })

  it('lets applications answer from within their listeners', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    let left = 500
    const bounce = (stream: SessionStream): void =>
      stream.addEventListener('message', ({ data }) => {
        if (left-- > 0) stream.send(data)
      })
    bounce(from)
    bounce(to)
    from.send(Uint8Array.of(1))
    await until(() => left <= 0)
  })

  it.each([
    ['a muxer that comes late', { late: true }],
    ['a listener that comes late', { deaf: true }]
  ])('keeps streams for %s', async (_what, init) => {
    const pair = createPair(init)
    pair.attach()
    const streams = await Promise.all(Array.from({ length: 40 }, () => pair.a.muxer.createStream()))
    for (const stream of streams) {
      stream.send(Uint8Array.of(1, 2, 3))
      void stream.close()
    }
    await turns()
    expect(pair.b.muxer.status).toBe('open')
    const seen: SessionStream[] = []
    pair.b.muxer.addEventListener('stream', ({ detail }) => seen.push(detail))
    await until(() => seen.length === 40)
    expect(await Promise.all(seen.map(readAll))).toEqual(Array(40).fill(3))
  })

  it('ends a path whose peer breaks the protocol, and only that', async () => {
    const pair = createPair()
    const bad = pair.attach()
    pair.attach()
    const [from, to] = await pair.open()
    const frame: Frame = { type: 'maxStreamData', stream: 4_001, max: 1 }
    for (const part of encodeFrame(frame)) bad.listener.stream.onData(part)
    await until(() => bad.listener.stream.status === 'aborted')
    await until(() => pair.a.driver.path(0) == null)
    expect(pair.b.driver.path(0)).toBeUndefined()
    expect(pair.b.driver.path(1)).toBeDefined()
    from.send(new Uint8Array(1_000))
    void from.close()
    expect(await readAll(to)).toBe(1_000)
  })

  it('passes on pings, suspicions and good-byes by path', async () => {
    const pair = createPair()
    pair.attach()
    pair.a.driver.ping(0)
    pair.a.driver.sendGoaway(0, 7, 100)
    await until(() => pair.a.events.length > 0 && pair.b.events.length > 0)
    expect(pair.a.events).toEqual(['pong 0'])
    expect(pair.b.events).toEqual(['goaway 0 7'])
  })

  it('suspects by its own timer, and moves on to the other path', async () => {
    const pair = createPair()
    let silent = false
    pair.attach({ tap: (data) => (silent ? data.sublist(0, 0) : data) })
    pair.attach()
    pair.a.driver.prefer([0, 1])
    const [from, to] = await pair.open()
    silent = true
    from.send(new Uint8Array(1_000))
    void from.close()
    expect(await readAll(to)).toBe(1_000)
    expect(pair.a.events).toContain('suspect 0 self')
  })
})

describe('the end of a session', () => {
  it('is orderly on both sides when one closes, and all bytes have arrived by then', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    const read = readAll(to)
    from.send(new Uint8Array(300_000))
    await pair.a.muxer.close()
    expect(await read).toBe(300_000)
    await until(() => pair.b.events.includes('closed'))
    expect(pair.a.events).toEqual(['peerClosed 0', 'closed'])
    expect(pair.b.events).toEqual(['peerClosed 0', 'closed'])
    expect([pair.a.muxer.status, pair.b.muxer.status]).toEqual(['closed', 'closed'])
    expect([from.status, to.status]).toEqual(['closed', 'closed'])
    await expect(pair.a.driver.closed).resolves.toBeUndefined()
    expect(pair.a.driver.lostBytes).toBe(0)
    await expect(pair.a.muxer.createStream()).rejects.toHaveProperty('name', 'MuxerClosedError')
  })

  it('waits for a path, and for no longer than its signal', async () => {
    const pair = createPair()
    const carrier = pair.attach()
    const [from, to] = await pair.open()
    carrier.kill()
    await turns()
    from.send(new Uint8Array(1_000))
    await expect(pair.a.muxer.close({ signal: AbortSignal.timeout(5) })).rejects.toHaveProperty('name', 'TimeoutError')
    expect(pair.a.muxer.status).toBe('closing')
    expect(pair.a.driver.pendingBytes).toBe(1_000)
    const read = readAll(to)
    pair.attach()
    await pair.a.muxer.close()
    expect(await read).toBe(1_000)
  })

  it('does not wait for readers that nobody reads any more', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    while (to.send(new Uint8Array(100_000)));
    await turns()
    expect(from.readBufferLength).toBeGreaterThan(0)
    await pair.a.muxer.close({ signal: AbortSignal.timeout(4_000) })
    await until(() => pair.b.events.includes('closed'))
  })

  it('flushes what the other side has finished already, and resets what it has not', async () => {
    const pair = createPair()
    pair.attach()
    const [first, finished] = await pair.open()
    const [second, unfinished] = await pair.open()
    const [one, two] = [readAll(first), readAll(second)]
    finished.send(new Uint8Array(1_500_000))
    void finished.close()
    unfinished.send(new Uint8Array(3_000_000))
    const outcomes = Promise.allSettled([one, two])
    await pair.a.muxer.close()
    const [whole, cut] = await outcomes
    expect(whole).toEqual({ status: 'fulfilled', value: 1_500_000 })
    expect(cut.status).toBe('rejected')
  })

  it('closes from both sides at once', async () => {
    const pair = createPair()
    pair.attach()
    await pair.open()
    await Promise.all([pair.a.muxer.close(), pair.b.muxer.close()])
    await until(() => pair.a.events.includes('closed') && pair.b.events.includes('closed'))
  })

  it('needs no last acknowledgement', async () => {
    const pair = createPair()
    // a ends with the acknowledgement of b's CLOSE, which is lost.
    let closes = 0
    const decoder = new FrameDecoder()
    pair.attach({
      tap: (data, from) => {
        if (from === 'dialler') return closes > 0 ? data.sublist(0, 0) : data
        for (const chunk of data) for (const frame of decoder.push(chunk)) if (frame.type === 'close') closes++
        return data
      }
    })
    await pair.open()
    await pair.a.muxer.close()
    await pair.b.muxer.close()
    expect(pair.b.events.at(-1)).toBe('closed')
  })

  it('is orderly for whoever learns of it by the next handshake, if nothing was missing', async () => {
    const pair = createPair()
    const carrier = pair.attach()
    const [from] = await pair.open()
    await turns()
    pair.a.driver.close()
    await until(() => pair.b.events.includes('peerClosed 0'))
    carrier.kill()
    pair.b.driver.peerEnded(new Error('another session'))
    expect(pair.b.events.at(-1)).toBe('closed')

    const other = createPair()
    other.attach()
    const [, to] = await other.open()
    other.b.driver.peerEnded(new Error('another session'))
    expect(other.b.events.at(-1)).toBe('closed another session')
    expect(to.status).toBe('aborted')
    from.abort(new Error('over'))
    other.a.driver.abort(new Error('over'))
    pair.a.driver.abort(new Error('over'))
  })

  it('aborts streams with the error given, resets the peer and says how much was lost', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    from.send(new Uint8Array(5_000))
    const reason = new Error('expired')
    let error: Error | undefined
    from.addEventListener('close', (event) => {
      error = event.error
    })
    pair.a.driver.expire(reason)
    expect(error).toBe(reason)
    expect(from.status).toBe('aborted')
    expect(pair.a.driver.lostBytes).toBe(5_000)
    expect(pair.a.driver.session.sendBufferedBytes).toBe(0)
    await expect(pair.a.driver.closed).rejects.toBe(reason)
    await until(() => to.status === 'reset')
    expect(pair.b.events).toEqual(['peerClosed 1', expect.stringContaining('closed The peer ended the link')])
    await pair.a.muxer.close()
    await pair.b.muxer.close()
  })

  it('comes with the end of its handle, which carries no bytes', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    expect(() => pair.a.handle.send(Uint8Array.of(1))).toThrow('carries no bytes')
    expect(from.status).toBe('aborted')
    await until(() => to.status === 'reset')

    const other = createPair()
    other.attach()
    const [stream] = await other.open()
    other.a.handle.end()
    expect([other.a.handle.status, other.a.muxer.status, stream.status]).toEqual(['closed', 'closed', 'closed'])
    await until(() => other.b.events.length === 2)
  })

  it('leaves no timer and no end of task behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length
    const pair = createPair()
    pair.attach()
    await pair.open()
    await pair.a.muxer.close()
    await until(() => pair.b.events.includes('closed'))
    await turns()
    const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length
    expect(after).toBeLessThanOrEqual(before)
  })
})
