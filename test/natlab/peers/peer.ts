// One call opens a page of ours, or a Node peer, in a host of the lab.
import type { Host } from '../index.ts'
import { AgentProcess } from './agent-process.ts'
import type { Outcome, PeerKind } from './protocol.ts'
import { builtSite } from './site-build.ts'

export interface PeerOptions {
  /** `webkit` is WebKitGTK, which has no WebRTC. */
  kind: PeerKind
  /** js-libp2p alone, nothing of ours: the control. @default false */
  stock?: boolean
  /** Another page than the test page. @default the test page (or the stock one), from the host's own loopback */
  url?: string
  /** What is found as globals before anything else runs; in WebKitGTK, right after. @default {} */
  globals?: Record<string, unknown>
}

/** A page in a browser in a host, or a Node process there. */
export interface Peer {
  readonly kind: PeerKind
  /** As Playwright's: the function travels as text and sees globals only, its argument and result are JSON. */
  evaluate<T>(run: () => T | Promise<T>): Promise<T>
  evaluate<T, A>(run: (argument: A) => T | Promise<T>, argument: A): Promise<T>
  /** Errors on the page's console, and uncaught ones. Always empty for Node peers, which end instead. */
  errors(): Promise<string[]>
  /** Closes the page; the browser stays for the next peer of its kind in its host, until {@link endPeers}. */
  close(): Promise<void>
}

/** Starting a browser takes seconds: one of a kind per host. The other kinds have a process per peer. */
const browsers = new WeakMap<Host, Map<PeerKind, Promise<AgentProcess>>>()
const agents = new WeakMap<Host, Set<AgentProcess>>()

/** The page is open and its modules have run when this resolves. It leads to no network but the host's own. */
export async function openPeer(host: Host, options: PeerOptions): Promise<Peer> {
  const { kind, stock = false, url, globals = {} } = options
  const isBrowser = kind === 'chromium' || kind === 'firefox'
  const agent = await (isBrowser ? browserIn(host, kind) : startAgent(host, kind))
  const site = kind === 'node' || url != null ? undefined : await builtSite(stock ? 'stock' : 'holdfast')
  const page = await agent.ask('open', { url, site, stock, globals })
  const close = async (): Promise<void> => {
    if (isBrowser) return agent.ask('close', page)
    agents.get(host)?.delete(agent)
    await agent.stop()
  }
  let closed: Promise<void> | undefined
  return {
    kind,
    async evaluate<T, A>(run: (argument: A) => T | Promise<T>, argument?: A): Promise<T> {
      const outcome = await agent.ask('evaluate', { page, source: String(run), argument: JSON.stringify(argument) })
      const { value, error } = JSON.parse(outcome) as Outcome
      if (error != null) throw new Error(`In ${kind}: ${error}`)
      return value as T
    },
    errors: () => agent.ask('errors', page),
    close() {
      closed ??= close()
      return closed
    }
  }
}

/** Ends all browsers and Node peers of these hosts. Closing the lab does so too, but leaves browsers' profiles behind. */
export async function endPeers(...hosts: Host[]): Promise<void> {
  await Promise.all(hosts.flatMap((host) => [...(agents.get(host) ?? [])].map((agent) => agent.stop())))
  for (const host of hosts) {
    agents.delete(host)
    browsers.delete(host)
  }
}

function browserIn(host: Host, kind: PeerKind): Promise<AgentProcess> {
  const ofHost = browsers.get(host) ?? new Map<PeerKind, Promise<AgentProcess>>()
  const browser = ofHost.get(kind) ?? startAgent(host, kind)
  browsers.set(host, ofHost.set(kind, browser))
  return browser
}

async function startAgent(host: Host, kind: PeerKind): Promise<AgentProcess> {
  const agent = await AgentProcess.start(host, kind)
  agents.set(host, (agents.get(host) ?? new Set()).add(agent))
  return agent
}
