// What carriers say while nobody else does. Genuine yamux at both ends, in memory.
import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { carrierMuxer } from '../../../src/node/carrier-muxer.ts'

const MINUTE_MS = 60_000
/** The second byte of a yamux header. */
const WINDOW_UPDATE = 1
const PING = 2

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

interface Pair {
  readonly connections: [MultiaddrConnection, MultiaddrConnection]
  readonly muxers: [StreamMuxer, StreamMuxer]
  /** Pings and their answers, at both ends. */
  heardPings(): number
  /** Those that open and accept streams included. */
  heardWindowUpdates(): number
}

function pair(): Pair {
  let pings = 0
  let windowUpdates = 0
  const connections = multiaddrConnectionPair()
  const muxers = connections.map((connection) => {
    connection.addEventListener('message', ({ data }) => {
      const kind = data.subarray()[1]
      if (kind === PING) pings++
      if (kind === WINDOW_UPDATE) windowUpdates++
    })
    return carrierMuxer().createStreamMuxer(connection)
  })
  return {
    connections,
    muxers: muxers as Pair['muxers'],
    heardPings: () => pings,
    heardWindowUpdates: () => windowUpdates
  }
}

async function streams(muxers: Pair['muxers']): Promise<[Stream, Stream]> {
  const stream = await muxers[0].createStream()
  await vi.advanceTimersByTimeAsync(1_000)
  return [stream, muxers[1].streams[0]!]
}

describe('a carrier', () => {
  it('is pinged once at first, by both ends', async () => {
    const { heardPings } = pair()
    await vi.advanceTimersByTimeAsync(29_000)
    expect(heardPings()).toBe(4)
  })

  it('that is silent is pinged about every 30 s', async () => {
    const { heardPings } = pair()
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
    const pings = heardPings() / 2 - 2
    expect(pings).toBeGreaterThanOrEqual(19)
    // Both, where their clocks strike together.
    expect(pings).toBeLessThanOrEqual(40)
  })

  it('on which anything is heard is not pinged', async () => {
    const { muxers, heardPings } = pair()
    const [stream, other] = await streams(muxers)
    const before = heardPings()
    for (let at = 0; at < 40; at++) {
      stream.send(new Uint8Array(1))
      other.send(new Uint8Array(1))
      await vi.advanceTimersByTimeAsync(15_000)
    }
    expect(heardPings()).toBe(before)
  })

  it('does not tell of each small message that there is room for another', async () => {
    const { muxers, heardWindowUpdates } = pair()
    const [stream, other] = await streams(muxers)
    for (let at = 0; at < 100; at++) {
      stream.send(new Uint8Array(64))
      other.send(new Uint8Array(64))
      await vi.advanceTimersByTimeAsync(20)
    }
    // One that opened the stream, one that accepted it.
    expect(heardWindowUpdates()).toBe(2)
  })

  it.each([100, 5_000, 16_200])('carries far more than a window in messages of %i bytes', async (bytes) => {
    const { muxers } = pair()
    const [stream, other] = await streams(muxers)
    let received = 0
    other.addEventListener('message', ({ data }) => {
      received += data.byteLength
    })
    const count = Math.ceil(8_000_000 / bytes)
    for (let at = 0; at < count; at++) stream.send(new Uint8Array(bytes))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(received).toBe(count * bytes)
  })

  it('that was paused goes on', async () => {
    const { muxers } = pair()
    const [stream, other] = await streams(muxers)
    let received = 0
    other.addEventListener('message', ({ data }) => {
      received += data.byteLength
    })
    other.pause()
    for (let at = 0; at < 200; at++) stream.send(new Uint8Array(5_000))
    await vi.advanceTimersByTimeAsync(1_000)
    other.resume()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(received).toBe(1_000_000)
  })

  it('that is closed leaves no timer, whichever end closed it', async () => {
    const { connections } = pair()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    connections[0].abort(new Error('gone'))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})
