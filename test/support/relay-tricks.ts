// What a stock relay of a test does that no relay should, and what it tells of itself on standard error.
import type { ConnectionGater, Libp2p } from '@libp2p/interface'

export interface Tricks {
  /** Bytes per circuit as it tells its clients, whatever it applies; with both 0, it tells of no limit. */
  readonly toldBytes?: number
  /** Seconds per circuit, likewise. */
  readonly toldSeconds?: number
  /** Only the listener is told of a limit. */
  readonly muteToDialler?: boolean
  /** Circuits are refused after so many. */
  readonly refuseAfter?: number
  /** For how long, from the first refusal. */
  readonly refuseMs?: number
  /** SIGKILL as this circuit is asked for, counted from 1. */
  readonly dieAt?: number
  /** Writes `circuit <ms since the Unix epoch> <what became of it> <who asked>` for each. */
  readonly tell?: boolean
}

export const tricksOptions = {
  'told-bytes': { type: 'string' },
  'told-seconds': { type: 'string' },
  'mute-to-dialler': { type: 'boolean' },
  'refuse-after': { type: 'string' },
  'refuse-ms': { type: 'string' },
  'die-at': { type: 'string' },
  tell: { type: 'boolean' }
} as const

export function tricksOf(values: Readonly<Record<string, unknown>>): Tricks {
  const number = (name: keyof typeof tricksOptions) => (values[name] == null ? undefined : Number(values[name]))
  return {
    toldBytes: number('told-bytes'),
    toldSeconds: number('told-seconds'),
    muteToDialler: values['mute-to-dialler'] === true,
    refuseAfter: number('refuse-after'),
    refuseMs: number('refuse-ms'),
    dieAt: number('die-at'),
    tell: values.tell === true
  }
}

/** libp2p's server asks it for each circuit. */
export function gaterOf({ refuseAfter = Infinity, refuseMs = Infinity, dieAt, tell }: Tricks): ConnectionGater {
  let asked = 0
  let refusingSince: number | undefined
  return {
    denyOutboundRelayedConnection(source) {
      asked++
      const now = Date.now()
      if (asked > refuseAfter) refusingSince ??= now
      const isRefused = refusingSince != null && now < refusingSince + refuseMs
      const outcome = asked === dieAt ? 'died' : isRefused ? 'refused' : 'opened'
      if (tell) process.stderr.write(`circuit ${now} ${outcome} ${source}\n`)
      if (asked === dieAt) process.kill(process.pid, 'SIGKILL')
      return isRefused
    }
  }
}

interface Limit {
  readonly data: bigint
  readonly duration: number
}

/** libp2p's server, as far as frames are rewritten here. */
interface Server {
  handleHopProtocol(request: { stream: Frames }, options: object): Promise<void>
  stopHop(request: { request: { limit?: Limit } }, options: object): Promise<unknown>
}

interface Frames {
  pb(codec: unknown): { write(message: { limit?: Limit }, options?: object): Promise<void> }
  unwrap(): unknown
}

/** Its clients are told other limits than are applied. */
export function lie(relay: unknown, { toldBytes, toldSeconds, muteToDialler = false }: Tricks): void {
  if (toldBytes == null && toldSeconds == null && !muteToDialler) return
  const server = relay as Server
  const handleHopProtocol = server.handleHopProtocol.bind(server)
  const stopHop = server.stopHop.bind(server)
  const told = <T extends { limit?: Limit }>(message: T): T => ({
    ...message,
    // In ms, as the stock relay tells it.
    limit:
      message.limit == null || (toldBytes === 0 && toldSeconds === 0)
        ? undefined
        : {
            data: toldBytes == null ? message.limit.data : BigInt(toldBytes),
            duration: toldSeconds == null ? message.limit.duration : toldSeconds * 1_000
          }
  })
  const lying = (stream: Frames): Frames => ({
    pb(codec) {
      const frames = stream.pb(codec)
      const toDialler = (message: { limit?: Limit }) =>
        muteToDialler ? { ...message, limit: undefined } : told(message)
      return { ...frames, write: (message, options) => frames.write(toDialler(message), options) }
    },
    unwrap: () => stream.unwrap()
  })
  server.handleHopProtocol = (request, options) =>
    handleHopProtocol({ ...request, stream: lying(request.stream) }, options)
  server.stopHop = (request, options) => stopHop({ ...request, request: told(request.request) }, options)
}

/** On SIGUSR2: `holds <connections> <streams>`. */
export function tellWhatItHolds(node: Libp2p): void {
  process.on('SIGUSR2', () => {
    const connections = node.getConnections()
    const streams = connections.reduce((sum, { streams }) => sum + streams.length, 0)
    process.stderr.write(`holds ${connections.length} ${streams}\n`)
  })
}
