// What sessions of this process hold, read where the sources keep it: nothing in the API says it.
import type { Stream } from '@libp2p/interface'
import { SessionDriver } from '../../../../src/node/session-driver.ts'
import { SessionStream } from '../../../../src/node/stream.ts'
import type { SessionPath } from '../../../../src/path/index.ts'

const drivers = new Set<SessionDriver>()
const paths = new Set<SessionPath>()
const deliveredBytes = new WeakMap<object, number>()

const { attachPath } = SessionDriver.prototype
SessionDriver.prototype.attachPath = function (id, path, windows) {
  drivers.add(this)
  paths.add(path)
  attachPath.call(this, id, path, windows)
}

const { deliver } = SessionStream.prototype
SessionStream.prototype.deliver = function (data) {
  deliveredBytes.set(this, (deliveredBytes.get(this) ?? 0) + data.byteLength)
  deliver.call(this, data)
}

/** Bytes on their way out: what streams could not hand on, sessions keep until acknowledged, and carriers have not taken. */
export function sendingBytes(stream?: Stream): number {
  let bytes = stream?.writeBufferLength ?? 0
  for (const { session } of drivers) bytes += session.sendBufferedBytes
  for (const path of paths) bytes += path.bufferedBytes
  return bytes
}

/** Bytes on their way in: behind gaps, and given to the stream without its reader having taken them. */
export function receivingBytes(stream: Stream | undefined, takenBytes: number): number {
  let bytes = stream == null ? 0 : Math.max(0, (deliveredBytes.get(stream) ?? stream.readBufferLength) - takenBytes)
  for (const { session } of drivers) bytes += session.receiveBufferedBytes
  return bytes
}
