import { byteStream, lpStream } from '@libp2p/utils'
import { pEvent } from 'p-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import type { SessionStream } from '../../../src/node/stream.ts'
import { createPair, turns, until } from './pair.ts'

const KIB = 1_024
const small = {
  streamWindow: 64 * KIB,
  sessionWindow: 128 * KIB,
  maxStreamSendBuffer: 64 * KIB,
  maxSendBuffer: 128 * KIB
}

const bytes = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 255)

/** Everything, keeping to back-pressure. */
async function sendAll(stream: SessionStream, data: Uint8Array, chunk = 10_000): Promise<void> {
  for (let i = 0; i < data.length; i += chunk) {
    if (!stream.send(data.subarray(i, i + chunk))) await stream.onDrain()
  }
}

async function readAll(stream: SessionStream): Promise<Uint8Array> {
  const list = new Uint8ArrayList()
  for await (const chunk of stream) list.append(chunk)
  return list.subarray()
}

describe('a stream that sends', () => {
  it.each([
    ['Uint8Array', (data: Uint8Array) => data],
    ['Buffer', (data: Uint8Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)],
    ['list', (data: Uint8Array) => new Uint8ArrayList(data.subarray(0, 3), data.subarray(3))]
  ])('lets the application reuse its %s at once, also when it could not be sent', async (_name, wrap) => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const sent = new Uint8ArrayList()
    const buffer = new Uint8Array(30_000)
    for (let i = 1; i <= 5; i++) {
      buffer.set(bytes(buffer.length, i))
      sent.append(Uint8Array.from(buffer))
      from.send(wrap(buffer))
      buffer.fill(0)
    }
    expect(from.writableNeedsDrain).toBe(true)
    void from.close()
    expect(Buffer.compare(await readAll(to), sent.subarray())).toBe(0)
  })

  it('is asked to wait at the cap, told of room once nothing waits, and holds no more than one send beyond it', async () => {
    const pair = createPair({ config: small })
    const carrier = pair.attach()
    const [from, to] = await pair.open()
    to.pause()
    let drains = 0
    from.addEventListener('drain', () => {
      drains++
      expect(from.writeBufferLength).toBe(0)
    })
    while (from.send(new Uint8Array(10_000)));
    await turns()
    // 64 KiB held by the reader, 64 KiB by the session.
    while (from.send(new Uint8Array(10_000)));
    await turns()
    const before = drains
    expect(from.writeBufferLength).toBeGreaterThan(0)
    expect(pair.a.driver.session.sendBufferedBytes).toBe(small.maxStreamSendBuffer)
    await turns()
    expect(drains).toBe(before)
    to.addEventListener('message', () => {})
    to.resume()
    await until(() => drains > before)
    carrier.kill()
  })

  it('does not tell of room while a part of the last send still waits', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const waiting: number[] = []
    from.addEventListener('drain', () => waiting.push(from.writeBufferLength))
    const read = readAll(to)
    expect(from.send(bytes(1_000_000))).toBe(false)
    void from.close()
    expect(await read).toEqual(bytes(1_000_000))
    expect(waiting).toEqual([0])
  })

  it('waits in onDrain() each time, not only the first', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    void readAll(to)
    let most = 0
    for (let i = 0; i < 60; i++) {
      if (!from.send(new Uint8Array(20_000))) await from.onDrain()
      most = Math.max(most, from.writeBufferLength)
    }
    expect(most).toBeLessThanOrEqual(20_000)
    await from.onDrain()
  })

  it('ends the wait of onDrain() with its signal, or with the stream', async () => {
    const pair = createPair({ config: small })
    const [from] = [await pair.a.muxer.createStream()]
    while (from.send(new Uint8Array(10_000)));
    await expect(from.onDrain({ signal: AbortSignal.timeout(1) })).rejects.toThrow('timeout')
    const waiting = from.onDrain()
    from.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  it('stalls while there is no path, and goes on where it was on the next', async () => {
    const pair = createPair({ config: small })
    const first = pair.attach()
    const [from, to] = await pair.open()
    const data = bytes(400_000)
    const received = readAll(to)
    const sent = sendAll(from, data).then(() => from.close())
    await until(() => pair.b.driver.session.paths()[0]!.inFlightBytes >= 0 && to.status === 'open')
    first.kill(new Error('the network failed'))
    await turns()
    expect(from.status).toBe('open')
    pair.attach()
    await sent
    expect(Buffer.compare(await received, data)).toBe(0)
  })
})

describe('a stream that receives', () => {
  it.each([
    ['paused', (stream: SessionStream) => stream.pause()],
    ['that nobody listens to', () => {}]
  ])('%s holds the window and no more', async (_name, prepare) => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    prepare(to)
    void sendAll(from, bytes(500_000)).catch(() => {})
    await until(() => to.readBufferLength === small.streamWindow)
    await turns(200)
    expect(to.readBufferLength).toBe(small.streamWindow)
    expect(to.status).toBe('open')
    const other = (await pair.open())[1]
    expect(other.status).toBe('open')
    from.abort(new Error('enough'))
  })

  it('read with for await takes no more than the window ahead of its reader', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const data = bytes(500_000)
    let sent = 0
    void (async () => {
      for (; sent < data.length; sent += 5_000) {
        if (!from.send(data.subarray(sent, sent + 5_000))) await from.onDrain()
      }
      await from.close()
    })()
    let taken = 0
    let most = 0
    const got = new Uint8ArrayList()
    for await (const chunk of to) {
      got.append(chunk)
      taken += chunk.byteLength
      await turns(3)
      most = Math.max(most, sent - taken)
    }
    // Its window here, the send buffer there, one send that waits.
    expect(most).toBeLessThan(small.streamWindow + small.maxStreamSendBuffer + 16_000 + 5_000)
    expect(Buffer.compare(got.subarray(), data)).toBe(0)
  })

  it('keeps what an iterator that stopped early had not passed on for the next reader', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const data = bytes(300_000)
    void sendAll(from, data).then(() => from.close())
    const got = new Uint8ArrayList()
    while (got.byteLength < data.length) {
      await turns(5)
      for await (const chunk of to) {
        got.append(chunk)
        if (got.byteLength % 3 === 0) break
      }
    }
    expect(Buffer.compare(got.subarray(), data)).toBe(0)
  })

  it.each([['lpStream', lpStream] as const, ['byteStream', byteStream] as const])(
    'gives all bytes after %s was unwrapped, and its credit back once',
    async (name, wrap) => {
      const pair = createPair({ config: small })
      pair.attach()
      const [from, to] = await pair.open()
      const data = bytes(300_000)
      const message = name === 'lpStream' ? Uint8Array.of(5, 1, 2, 3, 4, 5) : Uint8Array.of(1, 2, 3, 4, 5)
      from.send(message)
      from.send(data.subarray(0, 1_000))
      const wrapped = wrap(to) as ReturnType<typeof byteStream>
      const first = await wrapped.read({ bytes: 5 })
      expect(first?.subarray()).toEqual(Uint8Array.of(1, 2, 3, 4, 5))
      const rest = wrapped.unwrap() as unknown as SessionStream
      void sendAll(from, data.subarray(1_000)).then(() => from.close())
      await turns(100)
      expect(to.readBufferLength).toBeLessThanOrEqual(small.streamWindow + 1_000)
      expect(Buffer.compare(await readAll(rest), data)).toBe(0)
      await to.close()
      // Settled on both sides: nothing of it is owed.
      await until(() => pair.a.driver.session.streamCount === 0 && pair.b.driver.session.streamCount === 0)
    }
  )

  it.each([['lpStream', lpStream] as const, ['byteStream', byteStream] as const])(
    'can be unwrapped from %s after all of it, its end included, arrived early',
    async (name, wrap) => {
      const pair = createPair({ deaf: true })
      pair.attach()
      const from = await pair.a.muxer.createStream()
      from.send(name === 'lpStream' ? Uint8Array.of(2, 8, 9) : Uint8Array.of(8, 9))
      from.send(bytes(100))
      await from.close()
      await turns()
      const to = await new Promise<SessionStream>((resolve) =>
        pair.b.muxer.addEventListener('stream', ({ detail }) => resolve(detail))
      )
      expect(to.remoteWriteStatus).toBe('closed')
      const wrapped = wrap(to) as ReturnType<typeof byteStream>
      expect((await wrapped.read({ bytes: 2 }))?.subarray()).toEqual(Uint8Array.of(8, 9))
      wrapped.unwrap()
      expect(await readAll(to)).toEqual(bytes(100))
    }
  )

  it('serves listeners and iterators at once', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const data = bytes(200_000)
    const heard = new Uint8ArrayList()
    to.addEventListener('message', (event) => heard.append(event.data))
    const read = [readAll(to), readAll(to)]
    void sendAll(from, data).then(() => from.close())
    for (const got of await Promise.all(read)) expect(Buffer.compare(got, data)).toBe(0)
    expect(Buffer.compare(heard.subarray(), data)).toBe(0)
  })

  it('does not keep large chunks, or thousands of objects, for a few bytes', async () => {
    const pair = createPair()
    const [from] = [pair.a]
    pair.attach()
    const [, to] = await pair.open()
    to.pause()
    const carrierChunk = new Uint8Array(65_536)
    for (let i = 0; i < 5_000; i++) to.deliver(carrierChunk.subarray(i, i + 1))
    expect(to.readBufferLength).toBe(5_000)
    const held = [...(to as unknown as { readBuffer: Uint8ArrayList }).readBuffer]
    expect(held.length).toBeLessThan(200)
    expect(held.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(20_000)
    from.driver.abort(new Error('enough'))
  })

  it('releases the session when a closed stream was never read', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    for (let i = 0; i < 6; i++) {
      const [from, to] = await pair.open()
      from.send(bytes(50_000))
      await Promise.all([from.close(), to.close()])
      await until(() => to.status === 'closed')
      expect(to.readBufferLength).toBe(50_000)
    }
    await until(() => pair.b.driver.session.streamCount === 0)
  })

  it('does not make a reset look like the end', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    from.send(bytes(10))
    const reading = readAll(to)
    await until(() => to.readBufferLength === 0)
    from.abort(new Error('enough'))
    await expect(reading).rejects.toHaveProperty('name', 'StreamResetError')
    await expect(readAll(to)).rejects.toHaveProperty('name', 'StreamResetError')
  })
})

describe('a stream that ends', () => {
  it('close() resolves though nobody reads, and bytes arrive before the end', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    from.send(bytes(100_000))
    await from.close()
    expect(from.writeStatus).toBe('closed')
    expect((await readAll(to)).byteLength).toBe(100_000)
    await to.close()
    await until(() => from.status === 'closed' && to.status === 'closed')
  })

  it('FIN follows the data although the wait of close() was given up', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    const data = bytes(300_000)
    from.send(data)
    await expect(from.close({ signal: AbortSignal.timeout(1) })).rejects.toHaveProperty('name', 'TimeoutError')
    expect(from.writeStatus).toBe('closing')
    expect(Buffer.compare(await readAll(to), data)).toBe(0)
    await until(() => from.writeStatus === 'closed')
  })

  it('closeRead() stops the sender, whose close() does not hang', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    const [from, to] = await pair.open()
    while (from.send(new Uint8Array(10_000)));
    const drained = pEvent(from, 'drain')
    await to.closeRead()
    await drained
    expect(from.status).toBe('open')
    expect(from.remoteReadStatus).toBe('closed')
    expect(from.send(bytes(10))).toBe(true)
    to.send(bytes(7))
    expect((await Promise.all([readSome(from), from.close()]))[0]).toBe(7)
    await to.close()
    await until(() => from.status === 'closed' && to.status === 'closed')
    await until(() => pair.a.driver.session.streamCount === 0 && pair.b.driver.session.streamCount === 0)
  })

  it('abort() after its own end still tells the peer', async () => {
    const pair = createPair()
    pair.attach()
    const [from, to] = await pair.open()
    await from.close()
    await until(() => to.remoteWriteStatus === 'closed')
    from.abort(new Error('enough'))
    await until(() => to.status === 'reset')
    expect(() => to.send(bytes(1))).toThrow()
  })

  it('leaves no session state behind, whoever aborts when', async () => {
    const pair = createPair({ config: small })
    pair.attach()
    for (const end of ['abort', 'closeRead', 'close'] as const) {
      for (const byPeer of [false, true]) {
        const [from, to] = await pair.open()
        from.send(bytes(90_000))
        to.send(bytes(90_000))
        await turns(4)
        const one = byPeer ? to : from
        if (end === 'abort') one.abort(new Error('enough'))
        else if (end === 'closeRead') await one.closeRead()
        else void one.close()
        await turns(4)
        from.abort(new Error('over'))
        to.abort(new Error('over'))
      }
    }
    await until(() => pair.a.driver.session.streamCount === 0 && pair.b.driver.session.streamCount === 0)
    expect(pair.a.muxer.streams).toEqual([])
    expect(pair.b.muxer.streams).toEqual([])
    const [from, to] = await pair.open()
    void from.send(bytes(100_000))
    void from.close()
    expect((await readAll(to)).byteLength).toBe(100_000)
  })
})

async function readSome(stream: SessionStream): Promise<number> {
  for await (const chunk of stream) return chunk.byteLength
  return 0
}
