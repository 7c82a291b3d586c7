// `npm start -- --lan`: the page and the relay for other devices in this network. Browsers keep what the page needs to
// https, so there is a certificate, made by this machine; and the relay is behind the page's port, see relay-proxy.ts.
import { asMultiaddr, chooseAddress, inUrl, lanAddresses } from './addresses.ts'
import { certificateFor } from './certificate.ts'
import { serveBuilt } from './page.ts'
import type { Place } from './place.ts'
import { qrCode } from './qr-code.ts'

export type { Place } from './place.ts'

/** At the address asked for or the likeliest one; or why that cannot be, in a sentence. */
export async function inTheNetwork(asked: string | undefined): Promise<Place | { mistake: string }> {
  const choice = chooseAddress(asked)
  if ('mistake' in choice) return choice
  const { address } = choice
  const addresses = lanAddresses()
  const certificate = await certificateFor(address, addresses)
  const others = addresses.filter((other) => other !== address).join(', ')
  return {
    hosts: [address],
    stunHost: inUrl(address),
    relayArguments: (port) => [`--announce=${asMultiaddr(address)}/tcp/${port}/tls/ws`, `--stun-host=${address}`],
    servePage: (port, relayPort) => serveBuilt({ host: address, port, certificate, relayPort }),
    welcome: (port) => {
      const url = `https://${inUrl(address)}:${port}/`
      return `Holdfast is running: open ${url} on two devices in this network, this one included.

${qrCode(url)}

Each browser warns once, because no authority vouches for this machine: "Advanced" and "Proceed" (Chrome), "Advanced"
and "Accept the Risk" (Firefox), "Show Details" and "visit this website" (Safari) go on to the page.
  certificate  SHA-256 ${certificate.fingerprint}
               kept at ${certificate.path}${others === '' ? '' : `\n  --address    could also be ${others}`}`
    }
  }
}
