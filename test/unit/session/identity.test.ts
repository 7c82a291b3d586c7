import { describe, expect, it } from 'vitest'
import { PeerIdentity } from '../../../src/session/index.ts'
import type { HelloFrame } from '../../../src/wire/index.ts'

const instance = (byte: number): Uint8Array => new Uint8Array(16).fill(byte)

const hello = (byte: number, epoch: number): HelloFrame => ({
  type: 'hello',
  instance: instance(byte),
  path: 1,
  epoch,
  streamWindow: 65_536,
  sessionWindow: 65_536
})

/** With a live session with instance 1, epoch 0. */
function live(): PeerIdentity {
  const identity = new PeerIdentity()
  identity.onResponderHello(hello(1, 0), false)
  return identity
}

describe('the identity of a session, as initiator', () => {
  it('takes further paths into the session it has', () => {
    expect(live().onResponderHello(hello(1, 0), true)).toMatchObject({ action: 'attach', isNew: false })
  })

  it('keeps a session on which the peer is heard when a dial reaches another process of the same key', () => {
    expect(live().onResponderHello(hello(2, 0), true).action).toBe('refuse')
  })

  it('ends a session on which nobody is heard when a dial reaches another process: the peer has restarted', () => {
    expect(live().onResponderHello(hello(2, 0), false).action).toBe('endAndRefuse')
  })

  it('ends a session that the same process has ended, whatever still seems to be heard', () => {
    expect(live().onResponderHello(hello(1, 1), true).action).toBe('endAndRefuse')
  })
})
