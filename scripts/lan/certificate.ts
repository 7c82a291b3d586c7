// The certificate of the page and the relay in the LAN: made by this machine, and kept, so that each browser has to be
// told only once that it is the right one.
import 'reflect-metadata'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator
} from '@peculiar/x509'

export interface Certificate {
  /** PEM. */
  cert: string
  /** PEM. */
  key: string
  /** Where the certificate is kept, the key beside it. */
  path: string
  /** SHA-256 in hexadecimal, as browsers show it. */
  fingerprint: string
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Apple's systems refuse server certificates that are valid for more than 825 days, and public ones beyond 398. */
const VALID_MS = 397 * DAY_MS

/** One that ends soon is replaced at a start, not in the middle of a day. */
const RENEW_BEFORE_MS = 30 * DAY_MS

/** Clocks of phones differ a little. */
const BACKDATE_MS = DAY_MS

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export function certificateFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast-lan')
}

/** The kept certificate where it is good for `address`, else a new one for all `addresses`, which is kept. */
export async function certificateFor(
  address: string,
  addresses: readonly string[],
  folder: string = certificateFolder(),
  now: number = Date.now()
): Promise<Certificate> {
  const path = join(folder, 'certificate.pem')
  const keyPath = join(folder, 'key.pem')
  const kept = await Promise.all([readFile(path, 'utf8'), readFile(keyPath, 'utf8')]).catch(() => undefined)
  if (kept != null && isGood(kept[0], kept[1], address, now)) return described(kept[0], kept[1], path)
  const { cert, key } = await create(addresses, now)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(keyPath, key, { mode: 0o600 })
  await writeFile(path, cert)
  return described(cert, key, path)
}

function isGood(cert: string, key: string, address: string, now: number): boolean {
  try {
    const parsed = new X509Certificate(cert)
    return (
      parsed.checkIP(address) != null &&
      parsed.validFromDate.getTime() <= now &&
      parsed.validToDate.getTime() - now > RENEW_BEFORE_MS &&
      parsed.checkPrivateKey(createPrivateKey(key))
    )
  } catch {
    // Somebody wrote something else into these files.
    return false
  }
}

function described(cert: string, key: string, path: string): Certificate {
  return { cert, key, path, fingerprint: new X509Certificate(cert).fingerprint256 }
}

async function create(addresses: readonly string[], now: number): Promise<{ cert: string; key: string }> {
  const keys = await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString('hex'),
    name: [{ CN: [`Holdfast on ${hostname()}`] }],
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now - BACKDATE_MS + VALID_MS),
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      // Whoever accepts it trusts this server only: it can vouch for no other.
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...addresses.map((value) => ({ type: 'ip' as const, value })),
        { type: 'dns', value: hostname() }
      ])
    ]
  })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { cert: `${certificate.toString('pem')}\n`, key: `${key}\n` }
}
