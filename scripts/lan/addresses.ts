// Which of this machine's addresses others in its network can reach it at.
import { isIPv4, isIPv6 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** Interfaces of containers and virtual machines: addresses that only this machine can reach. */
const inside = /^(docker|br-|veth|virbr|vmnet|vboxnet|bridge|lxc|podman)/

const privateIPv4 = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/

const linkLocal = /^(169\.254\.|fe80:)/i

/** The smaller, the more likely it is the one that a phone nearby can reach. */
function rank(name: string, address: string): number {
  const family = privateIPv4.test(address) ? 0 : isIPv4(address) ? 1 : 2
  return family + (inside.test(name) ? 3 : 0)
}

/** Addresses that others can reach this machine at, the most likely one first. */
export function lanAddresses(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()
): [string, ...string[]] | [] {
  const all = Object.entries(interfaces).flatMap(([name, infos = []]) =>
    infos
      .filter(({ internal, address }) => !internal && !linkLocal.test(address))
      .map(({ address }) => ({ address, rank: rank(name, address) }))
  )
  return all.sort((a, b) => a.rank - b.rank).map(({ address }) => address) as [string, ...string[]] | []
}

/** The address for `--lan`, or why there is none, in a sentence with the remedy. */
export function chooseAddress(
  asked: string | undefined,
  addresses: readonly string[] = lanAddresses()
): { address: string } | { mistake: string } {
  const [first] = addresses
  if (first == null) {
    return { mistake: '--lan: this machine has no address in a network; connect it to one, or leave --lan out' }
  }
  if (asked == null) return { address: first }
  if (addresses.includes(asked)) return { address: asked }
  return { mistake: `--address ${asked}: this machine can be reached at ${addresses.join(', ')} only` }
}

/** How the address stands in a URL. */
export const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address)

/** The first part of a multiaddr. */
export const asMultiaddr = (address: string): string => `/${isIPv6(address) ? 'ip6' : 'ip4'}/${address}`
