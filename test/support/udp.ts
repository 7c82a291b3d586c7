// Cut UDP for every program of this network namespace and restore it: what a firewall or a dying Wi-Fi does to WebRTC
// (and STUN), while WebSockets go on. Works inside the namespace of scripts/isolate.ts only.
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const table = 'inet holdfast_udp'
const nft = (...commands: string[]) => promisify(execFile)('nft', [commands.join('; ')])

let reason: string | undefined
let asked = false

/** Why UDP cannot be cut here: the reason to skip a test with. Undefined when it can. */
export function whyNotDropUdp(): string | undefined {
  if (asked) return reason
  asked = true
  if (process.env.HOLDFAST_ISOLATED !== '1') {
    reason =
      process.env.HOLDFAST_NOT_ISOLATED ?? 'not in an isolated network: run `npm test`, or node scripts/isolate.ts'
  } else {
    const probe = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' })
    if (probe.status !== 0) reason = `nft cannot be used (${probe.error?.message ?? probe.stderr.trim()})`
  }
  return reason
}

export function canDropUdp(): boolean {
  return whyNotDropUdp() == null
}

/** From here on every UDP packet is lost, silently. Does nothing when that is so already. */
export async function dropUdp(): Promise<void> {
  const why = whyNotDropUdp()
  if (why != null) throw new Error(`UDP cannot be cut: ${why}`)
  // On the way in, not out: a dropped outgoing packet is an error of `send`, which a network never reports.
  await nft(
    `add table ${table}`,
    `add chain ${table} in { type filter hook prerouting priority -300 ; }`,
    `flush chain ${table} in`,
    `add rule ${table} in meta l4proto udp counter drop`
  )
}

/** UDP flows again. Does nothing when it does already. */
export async function restoreUdp(): Promise<void> {
  if (!canDropUdp()) return
  await nft(`add table ${table}`, `delete table ${table}`)
}

/** How many packets were lost since `dropUdp`. */
export async function droppedPackets(): Promise<number> {
  const { stdout } = await nft(`list table ${table}`)
  return Number(/packets (\d+)/.exec(stdout)?.[1] ?? 0)
}
