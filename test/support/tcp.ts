// TCP to some ports goes nowhere: SYNs are not answered, and what is connected hears nothing, as behind a firewall or where
// a machine has lost its power. Works inside the namespace of scripts/isolate.ts only.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { whyNotDropUdp } from './udp.ts'

const table = 'inet holdfast_tcp'
const nft = (...commands: string[]) => promisify(execFile)('nft', [commands.join('; ')])

/** Why TCP cannot be cut here: the reason to skip a test with. Undefined when it can. */
export const whyNotDropTcp = whyNotDropUdp

/** From here on packets from and to these ports are lost, silently; those to other ports flow. */
export async function dropTcp(ports: readonly number[]): Promise<void> {
  const set = `{ ${ports.join(', ')} }`
  await nft(
    `add table ${table}`,
    `add chain ${table} in { type filter hook prerouting priority -300 ; }`,
    `flush chain ${table} in`,
    `add rule ${table} in tcp dport ${set} drop`,
    `add rule ${table} in tcp sport ${set} drop`
  )
}

/** All TCP flows again. Does nothing when it does already. */
export async function restoreTcp(): Promise<void> {
  await nft(`add table ${table}`, `delete table ${table}`)
}
