import type { CountedFrame, Frame } from '../../src/wire/index.ts'

const COUNTED: ReadonlySet<Frame['type']> = new Set([
  'stream',
  'reset',
  'stopSending',
  'maxData',
  'maxStreamData',
  'close'
])

/** Whether a frame takes a sequence number on its path. */
export function isCounted(frame: Frame): frame is CountedFrame {
  return COUNTED.has(frame.type)
}
