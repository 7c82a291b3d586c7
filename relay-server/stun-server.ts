import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'
import { RelayError } from './errors.ts'
import { answerBindingRequest } from './stun.ts'

export interface StunServerInit {
  /**
   * IP addresses to listen on. For the loopback and the wildcard address the other family's counterpart is added where
   * the machine has it: `stun:localhost:…` resolves to `::1` first on many systems.
   */
  hosts: string[]
  /** UDP port, the same for all addresses. 0 takes one that is free. */
  port: number
  /**
   * Told of what goes wrong on an open socket. Answers that cannot be sent are told of once per cause: forged sender
   * addresses could fill a log otherwise.
   */
  onError: (err: Error) => void
}

export interface StunServer {
  port: number
  /** The addresses it listens on. */
  hosts: string[]
  /** Closes all sockets; nothing keeps the process alive afterwards. */
  close(): Promise<void>
}

const COUNTERPART: Record<string, string> = { '127.0.0.1': '::1', '::1': '127.0.0.1', '0.0.0.0': '::', '::': '0.0.0.0' }

/** Codes that mean "this machine has no such address or family". */
const NO_SUCH_FAMILY = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/** How often to look for a port that is free for all addresses at once, when none was asked for. */
const FREE_PORT_ATTEMPTS = 10

/**
 * Answers STUN Binding requests over UDP, IPv4 and IPv6.
 *
 * @throws {RelayError} STUN_FAILED, when a socket cannot be opened
 */
export async function startStunServer(init: StunServerInit): Promise<StunServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen(init)
    } catch (err) {
      if (init.port !== 0 || attempt === FREE_PORT_ATTEMPTS || codeOf(err) !== 'EADDRINUSE') {
        throw explain(err as Error, init)
      }
    }
  }
}

async function listen({ hosts, port, onError }: StunServerInit): Promise<StunServer> {
  const counterparts = hosts.map((host) => COUNTERPART[host]).filter((host) => host != null && !hosts.includes(host))
  const sockets = new Map<string, dgram.Socket>()

  const close = async (): Promise<void> => {
    await Promise.all(
      [...sockets.values()].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve())))
    )
  }

  try {
    for (const host of [...hosts, ...(counterparts as string[])]) {
      try {
        const socket = await bind(host, port, onError)
        sockets.set(host, socket)
        port = socket.address().port
      } catch (err) {
        if (hosts.includes(host) || !NO_SUCH_FAMILY.has(codeOf(err) ?? '')) {
          throw err
        }
      }
    }
  } catch (err) {
    await close()
    throw err
  }

  return { port, hosts: [...sockets.keys()], close }
}

async function bind(host: string, port: number, onError: (err: Error) => void): Promise<dgram.Socket> {
  // without ipv6Only a wildcard IPv6 socket would take the IPv4 port too
  const socket = isIPv6(host) ? dgram.createSocket({ type: 'udp6', ipv6Only: true }) : dgram.createSocket('udp4')

  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    // `exclusive`: a cluster worker must not share the port silently
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  }).catch((err) => {
    socket.close()
    throw err
  })

  const told = new Set<string | undefined>()

  socket.on('error', onError)
  socket.on('message', (packet, from) => {
    const answer = answerBindingRequest(packet, from)

    if (answer != null) {
      socket.send(answer, from.port, from.address, (err) => {
        if (err != null && !told.has(codeOf(err))) {
          told.add(codeOf(err))
          onError(err)
        }
      })
    }
  })

  return socket
}

function explain(err: Error, { port }: StunServerInit): RelayError {
  const remedies: Record<string, string> = {
    EADDRINUSE:
      'Stop the other program, choose another port with --stun-port (0 for any), or go without with --no-stun.',
    EACCES: 'Choose a port of 1024 or more with --stun-port, or go without with --no-stun.',
    EADDRNOTAVAIL: 'Give --host (or --stun-host) an address of this machine, or 0.0.0.0 for all of them.'
  }
  const problem =
    codeOf(err) === 'EADDRINUSE' ? `UDP port ${port} (STUN) is in use` : `STUN cannot listen: ${err.message}`

  return new RelayError(
    'STUN_FAILED',
    problem,
    remedies[codeOf(err) ?? ''] ?? 'Choose another --stun-port, --stun-host or --host, or go without with --no-stun.',
    { cause: err }
  )
}

function codeOf(err: unknown): string | undefined {
  return (err as NodeJS.ErrnoException).code
}
