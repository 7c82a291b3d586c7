// What every path promises, whatever carries it, whichever side writes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PathOverflowError, PathTruncatedError, SessionPath } from '../../src/path/index.ts'
import { MalformedFrameError, OversizedFrameError, UnknownFrameError } from '../../src/wire/index.ts'
import type { Carriers, End, Ends } from './support/carriers.ts'
import { bulkFrames, encoded, mixedFrames, pump, Recorder, sum } from './support/recorder.ts'

export interface PathContractInit {
  start(): Promise<Carriers>
  /** A reader that stops is noticed by the writer. WebRTC has no such thing: a stopped reader keeps 4 MiB, then resets. */
  readonly readerCanStop: boolean
}

interface Recorded {
  readonly path: SessionPath
  readonly recorder: Recorder
}

export function pathContract(name: string, { start, readerCanStop }: PathContractInit): void {
  describe(`path over ${name}`, () => {
    let carriers: Carriers

    beforeAll(async () => {
      carriers = await start()
    })

    afterAll(() => carriers?.stop())

    it('knows its kind on both sides, and no limit where there is none', async () => {
      const { dialler, listener } = both(await carriers.open())
      expect(dialler.path.kind).toBe(carriers.kind)
      expect(listener.path.kind).toBe(carriers.kind)
      expect(dialler.path.limited).toBe(false)
      expect(dialler.path.budget).toBeUndefined()
      expect(listener.path.budget).toBeUndefined()
    })

    describe.each([
      ['the dialler writes', 'dialler', 'listener'],
      ['the listener writes', 'listener', 'dialler']
    ] as const)('%s', (_name, writing, reading) => {
      const open = async (carrier?: 'shared' | 'own'): Promise<{ writer: Recorded; reader: Recorded }> => {
        const ends = both(await carriers.open(carrier))
        return { writer: ends[writing], reader: ends[reading] }
      }

      it('delivers 1 MB of frames of all sizes, in order and intact', async () => {
        const { writer, reader } = await open()
        const frames = mixedFrames(1_048_576)
        await pump(writer.path, writer.recorder, frames)
        await reader.recorder.until(() => reader.recorder.frames.length >= frames.length)
        expect(reader.recorder.frames.length).toBe(frames.length)
        expect(Buffer.compare(encoded(...reader.recorder.frames), encoded(...frames))).toBe(0)
        expect(writer.path.sentBytes).toBe(sum(frames))
        expect(reader.path.receivedBytes).toBe(sum(frames))
      })

      it('carries the first frame before the other side has a path', async () => {
        const ends = await carriers.open()
        const writer = record(ends[writing])
        const frames = mixedFrames(20_000)
        writer.path.write(frames)
        await new Promise((resolve) => setImmediate(resolve))
        const reader = record(ends[reading])
        await reader.recorder.until(() => reader.recorder.frames.length >= frames.length)
        expect(encoded(...reader.recorder.frames)).toEqual(encoded(...frames))
      })

      it('asks to wait when the carrier is full, and tells when it is not any more', async () => {
        const { writer, reader } = await open()
        const batch = bulkFrames(8)
        let written = 0
        while (writer.path.write(batch)) {
          written += batch.length
          expect(written).toBeLessThan(1_000)
        }
        written += batch.length
        await writer.recorder.writable()
        expect(writer.recorder.closed).toBe(0)
        expect(writer.path.bufferedBytes).toBe(0)
        writer.path.write(batch)
        await reader.recorder.until(() => reader.recorder.frames.length >= written + batch.length)
      })

      it('waits for a slow reader, without holding more than the carrier asked for', async () => {
        const ends = await carriers.open()
        ends[reading].stream.pause()
        const writer = record(ends[writing])
        const reader = record(ends[reading])
        const frames = bulkFrames(190) // 3 MB
        const done = pump(writer.path, writer.recorder, frames)
        if (readerCanStop) {
          const first = await Promise.race([done.then(() => 'done'), turns(200).then(() => 'waits')])
          expect(first).toBe('waits')
        }
        expect(reader.recorder.frames).toEqual([])
        ends[reading].stream.resume()
        const most = await done
        await reader.recorder.until(() => reader.recorder.frames.length >= frames.length)
        expect(reader.recorder.frames.length).toBe(frames.length)
        expect(most).toBeLessThan(100_000) // one batch and a part of another
      })

      it('gives up rather than hold without bound what nobody takes', async () => {
        const ends = await carriers.open('own')
        ends[reading].stream.pause()
        const writer = record(ends[writing])
        const batch = bulkFrames(16)
        let most = 0
        for (let i = 0; i < 200 && writer.recorder.closed === 0; i++) {
          writer.path.write(batch)
          most = Math.max(most, writer.path.bufferedBytes)
        }
        expect(writer.recorder.error).toBeInstanceOf(PathOverflowError)
        expect(writer.recorder.closed).toBe(1)
        expect(most).toBeLessThan(16 * 1_048_576 + sum(batch))
        expect(writer.path.bufferedBytes).toBe(0)
        expect(writer.path.write(batch)).toBe(false)
        drop(ends)
      })

      it('delivers what was written before an orderly close', async () => {
        const { writer, reader } = await open()
        const frames = mixedFrames(400_000)
        writer.path.write(frames)
        await writer.path.close({ signal: AbortSignal.timeout(10_000) })
        await Promise.all([reader.recorder.untilClosed(), writer.recorder.untilClosed()])
        expect(Buffer.compare(encoded(...reader.recorder.frames), encoded(...frames))).toBe(0)
        for (const { recorder, path } of [reader, writer]) {
          expect(recorder.error).toBeUndefined()
          expect(recorder.closed).toBe(1)
          expect(path.status).toBe('closed')
          expect(path.write(frames)).toBe(false)
        }
      })

      it('delivers what came before the end of a stream that nobody read yet', async () => {
        const ends = await carriers.open()
        const writer = record(ends[writing])
        const frames = mixedFrames(30_000)
        writer.path.write(frames)
        const ended = event(ends[reading].stream, 'remoteCloseWrite')
        const closed = writer.path.close({ signal: AbortSignal.timeout(10_000) })
        await ended
        const reader = record(ends[reading])
        await reader.recorder.untilClosed()
        await closed
        expect(encoded(...reader.recorder.frames)).toEqual(encoded(...frames))
        expect(reader.recorder.error).toBeUndefined()
      })

      it('reports the death of its carrier once on each side, and nothing after it', async () => {
        const ends = await carriers.open('own')
        const { writer, reader } = { writer: record(ends[writing]), reader: record(ends[reading]) }
        const frames = mixedFrames(200_000)
        writer.path.write(frames)
        reader.path.write(frames)
        await reader.recorder.until(() => reader.recorder.frames.length > 0)
        ends[writing].connection.abort(new Error('the network failed'))
        await Promise.all([reader.recorder.untilClosed(), writer.recorder.untilClosed()])
        await turns(20)
        for (const { recorder, path } of [writer, reader]) {
          expect(recorder.closed).toBe(1)
          expect(recorder.framesAfterClose).toBe(0)
          expect(path.bufferedBytes).toBe(0)
        }
        drop(ends)
        // In order and without a hole, up to where it was cut.
        const got = encoded(...reader.recorder.frames)
        expect(Buffer.compare(got, encoded(...frames).subarray(0, got.byteLength))).toBe(0)
      })

      it.each([
        ['an unknown frame', Uint8Array.of(1, 99), UnknownFrameError],
        ['an empty frame', Uint8Array.of(0), MalformedFrameError],
        ['a truncated number', Uint8Array.of(2, 9, 0x80), MalformedFrameError],
        ['a frame of 65,537 bytes', Uint8Array.of(0x81, 0x80, 0x04), OversizedFrameError],
        ['a length without end', Uint8Array.of(0xff, 0xff, 0xff, 0xff), OversizedFrameError]
      ])('ends with a named error at %s, after the frames before it, and alone', async (_what, garbage, error) => {
        const neighbour = await open()
        const ends = await carriers.open()
        const reader = record(ends[reading])
        const good = mixedFrames(2_000)
        const bytes = new Uint8Array(sum(good) + garbage.byteLength)
        bytes.set(encoded(...good))
        bytes.set(garbage, sum(good))
        ends[writing].stream.send(bytes)
        await reader.recorder.untilClosed()
        expect(reader.recorder.error).toBeInstanceOf(error)
        expect(reader.recorder.frames.length).toBe(good.length)
        expect(reader.recorder.closed).toBe(1)
        expect(ends[reading].stream.status).toBe('aborted')
        neighbour.writer.path.write(good)
        await neighbour.reader.recorder.until(() => neighbour.reader.recorder.frames.length === good.length)
        expect(neighbour.reader.recorder.closed).toBe(0)
      })

      it('says so when the end comes in the middle of a frame', async () => {
        const ends = await carriers.open()
        const reader = record(ends[reading])
        const frame = encoded(...bulkFrames(1))
        ends[writing].stream.send(frame.subarray(0, 1_000))
        await ends[writing].stream.close({ signal: AbortSignal.timeout(10_000) })
        await reader.recorder.untilClosed()
        expect(reader.recorder.error).toBeInstanceOf(PathTruncatedError)
        expect(reader.recorder.error).toHaveProperty('heldBytes', 1_000)
        expect(reader.recorder.frames).toEqual([])
      })
    })
  })
}

function record({ stream, connection }: End): Recorded {
  const recorder = new Recorder()
  return { recorder, path: new SessionPath({ stream, connection, handler: recorder }) }
}

function both({ dialler, listener }: Ends): { dialler: Recorded; listener: Recorded } {
  return { dialler: record(dialler), listener: record(listener) }
}

/** Both ends: libp2p would use one that does not know of its death yet to signal the next WebRTC connection. */
function drop(ends: Ends): void {
  for (const { connection } of [ends.dialler, ends.listener]) connection.abort(new Error('the test is over'))
}

function event(target: EventTarget, type: string): Promise<void> {
  return new Promise((resolve) => target.addEventListener(type, () => resolve(), { once: true }))
}

/** Rounds of the event loop: sockets of this process that have something to say, say it within a few. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
