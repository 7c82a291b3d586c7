// The test's side of a peer process.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Host } from '../../../natlab/index.ts'
import type { Situation } from './holdfast-peer.ts'
import type { Commands } from './peer-program.ts'
import type { PeerInit, Told } from './traffic.ts'

// The sources have syntax that Node by itself does not strip.
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const program = fileURLToPath(new URL('./peer-program.ts', import.meta.url))

/** Two at once took 4 s, ten at once beside other work more than 30 s. */
const START_TIMEOUT_MS = 120_000

/** One that was stopped or is busy has to see first that its channel is closed. */
const END_TIMEOUT_MS = 5_000

type Argument<K extends keyof Commands> = Parameters<Commands[K]>[0]
type Result<K extends keyof Commands> = Awaited<ReturnType<Commands[K]>>

/** For `PeerInit.key`. */
export async function newKey(): Promise<string> {
  return Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519'))).toString('base64')
}

export class PeerProcess {
  readonly host: Host
  readonly init: PeerInit
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  peerId = ''

  static async start(host: Host, init: Omit<PeerInit, 'key'> & { key?: string }): Promise<PeerProcess> {
    const peer = new PeerProcess(host, { ...init, key: init.key ?? (await newKey()) })
    const ready = peer.#expect(0)
    const timer = setTimeout(() => void peer.end(), START_TIMEOUT_MS)
    await ready.promise.finally(() => clearTimeout(timer))
    peer.peerId = await peer.ask('peerId')
    return peer
  }

  private constructor(host: Host, init: PeerInit) {
    this.host = host
    this.init = init
    this.#child = host.spawn(process.execPath, [...flags, program, JSON.stringify(init)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' }
    })
    this.#exited = once(this.#child, 'exit')
    this.#child.on('message', ({ id, result, error }: Told) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error == null) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the peer ended with ${signal ?? code}`))
      this.#waiting.clear()
    })
  }

  ask<K extends keyof Commands>(
    name: K,
    ...[argument]: Argument<K> extends undefined ? [] : [Argument<K>]
  ): Promise<Result<K>> {
    if (!this.#child.connected) return Promise.reject(new Error('it has ended'))
    const waiting = this.#expect(++this.#lastId)
    this.#child.send({ id: this.#lastId, name, argument })
    return waiting.promise as Promise<Result<K>>
  }

  #expect(id: number): PromiseWithResolvers<unknown> {
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    waiting.promise.catch(() => {})
    return waiting
  }

  /** The first state after that which is meant, in order of time; waits for it. */
  async when(isIt: (situation: Situation) => boolean, after: number, timeoutMs: number): Promise<Situation> {
    const end = Date.now() + timeoutMs
    for (;;) {
      const situations = await this.ask('situation')
      const found = situations.find((situation) => situation.at >= after && isIt(situation))
      if (found != null) return found
      if (Date.now() > end) {
        const story = situations.map(({ at, status, cause }) => `${at - after} ms ${status} (${cause})`).join(', ')
        throw new Error(`not within ${timeoutMs} ms: ${isIt}; instead: ${story}`)
      }
      await sleep(50)
    }
  }

  /** When its only link has these paths, each by kind and role; a second direct path may stand by. */
  async whenPaths(wanted: readonly string[], timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs
    for (;;) {
      const links = await this.ask('links')
      if (links.length === 1 && wanted.every((path) => links[0]!.paths.includes(path))) return
      if (Date.now() > end) throw new Error(`not ${wanted} within ${timeoutMs} ms: ${JSON.stringify(links)}`)
      await sleep(50)
    }
  }

  /** SIGSTOP, by itself: signals to what runs in a host end at its helper. Resolves when it no longer answers. */
  async freeze(): Promise<number> {
    const at = Date.now()
    await this.ask('freeze')
    return at
  }

  thaw(): number {
    this.#child.kill('SIGCONT')
    return Date.now()
  }

  /** As `kill -9`, by itself as well: its kernel closes its sockets. */
  async kill(): Promise<number> {
    const at = Date.now()
    await this.ask('die').catch(() => {})
    await this.#exited
    return at
  }

  /** Without good-bye too, however it is. */
  async end(): Promise<void> {
    if (this.#child.exitCode == null && this.#child.signalCode == null) {
      this.thaw()
      this.#child.disconnect()
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_TIMEOUT_MS)
      await this.#exited.finally(() => clearTimeout(timer))
    }
  }
}
