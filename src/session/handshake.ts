import type { Frame, HelloFrame } from '../wire/index.ts'
import { ProtocolViolationError } from './errors.ts'
import { instanceName, type PeerIdentity, type Verdict } from './identity.ts'

/** What this process says of itself in every HELLO. */
export interface Self {
  readonly instance: Uint8Array
  readonly side: 0 | 1
  readonly streamWindow: number
  readonly sessionWindow: number
}

export type HandshakeState =
  | { readonly role: 'initiator'; readonly status: 'helloSent'; readonly path: number }
  | { readonly role: 'responder'; readonly status: 'waiting' }
  | { readonly role: 'responder'; readonly status: 'helloSent'; readonly path: number; readonly hello: HelloFrame }

/** `send` leaves before the verdict is acted on. */
export type HandshakeStep =
  | { readonly next: HandshakeState; readonly send: Frame }
  | { readonly path: number; readonly peer: HelloFrame; readonly verdict: Verdict; readonly send?: Frame }

/** The initiator's first frame. Path ids are `counter * 2 + side` of their opener, so both sides can name new ones. */
export function initiate(self: Self, path: number): { state: HandshakeState; send: Frame } {
  return { state: { role: 'initiator', status: 'helloSent', path }, send: hello(self, path, 0) }
}

/**
 * One handshake frame from the peer.
 *
 * @throws {ProtocolViolationError} anything but the frame expected now
 */
export function shake(
  state: HandshakeState,
  frame: Frame,
  self: Self,
  identity: PeerIdentity,
  isHeard: boolean
): HandshakeStep {
  if (state.role === 'initiator') {
    if (frame.type !== 'hello') throw unexpected(frame, 'hello')
    if (frame.path !== state.path) {
      throw new ProtocolViolationError(`Peer answered path ${state.path} with a HELLO for path ${frame.path}`)
    }
    const verdict = identity.onResponderHello(frame, isHeard)
    const step = { path: state.path, peer: frame, verdict }
    if (verdict.action !== 'attach') return step
    return { ...step, send: { type: 'confirm', instance: frame.instance, epoch: verdict.name.epoch } }
  }
  if (state.status === 'waiting') {
    if (frame.type !== 'hello') throw unexpected(frame, 'hello')
    if ((frame.path & 1) === self.side) {
      throw new ProtocolViolationError(`Peer opened path ${frame.path}, an id of our own side`)
    }
    return {
      next: { role: 'responder', status: 'helloSent', path: frame.path, hello: frame },
      send: hello(self, frame.path, identity.epochFor(instanceName(frame.instance)))
    }
  }
  if (frame.type !== 'confirm') throw unexpected(frame, 'confirm')
  if (instanceName(frame.instance) !== instanceName(self.instance)) {
    throw new ProtocolViolationError("Peer confirmed another instance's session")
  }
  return { path: state.path, peer: state.hello, verdict: identity.onConfirm(frame, state.hello.instance) }
}

function hello(self: Self, path: number, epoch: number): HelloFrame {
  const { instance, streamWindow, sessionWindow } = self
  return { type: 'hello', instance, path, epoch, streamWindow, sessionWindow }
}

function unexpected(frame: Frame, expected: string): ProtocolViolationError {
  return new ProtocolViolationError(`Peer sent ${frame.type} where ${expected} was due`)
}
