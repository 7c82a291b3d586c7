import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { certificateFolder, certificateFor } from '../../../../scripts/lan/certificate.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const addresses = ['192.168.1.5', 'fd00::2']

let folder: string

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'holdfast-certificate-')), 'lan')
})

afterEach(async () => {
  await rm(join(folder, '..'), { recursive: true })
})

it('a certificate is good for every address, for this server only, and no longer than Apple takes', async () => {
  const { cert, fingerprint } = await certificateFor('192.168.1.5', addresses, folder)
  const parsed = new X509Certificate(cert)
  for (const address of addresses) expect(parsed.checkIP(address)).toBe(address)
  expect(parsed.checkIP('192.168.1.6')).toBeUndefined()
  expect(parsed.ca).toBe(false)
  expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(parsed.validToDate.getTime() - parsed.validFromDate.getTime()).toBeLessThanOrEqual(398 * DAY_MS)
  expect(fingerprint).toBe(parsed.fingerprint256)
})

it('it is kept, with a key that only its owner reads', async () => {
  const first = await certificateFor('192.168.1.5', addresses, folder)
  expect(await certificateFor('192.168.1.5', addresses, folder)).toEqual(first)
  expect(await certificateFor('fd00::2', ['fd00::2', '10.0.0.9'], folder)).toEqual(first)
  if (process.platform !== 'win32') expect((await stat(join(folder, 'key.pem'))).mode & 0o777).toBe(0o600)
})

it('another address, a near end, or a foreign file lead to a new one', async () => {
  const first = await certificateFor('192.168.1.5', addresses, folder)
  const second = await certificateFor('10.0.0.9', ['10.0.0.9'], folder)
  expect(second.fingerprint).not.toBe(first.fingerprint)

  const nearEnd = Date.now() + 370 * DAY_MS
  const third = await certificateFor('10.0.0.9', ['10.0.0.9'], folder, nearEnd)
  expect(third.fingerprint).not.toBe(second.fingerprint)
  expect(new X509Certificate(third.cert).validToDate.getTime()).toBeGreaterThan(nearEnd + 300 * DAY_MS)

  await writeFile(join(folder, 'key.pem'), second.key)
  const fourth = await certificateFor('10.0.0.9', ['10.0.0.9'], folder, nearEnd)
  expect(fourth.fingerprint).not.toBe(third.fingerprint)

  await writeFile(join(folder, 'certificate.pem'), 'nonsense')
  const fifth = await certificateFor('10.0.0.9', ['10.0.0.9'], folder, nearEnd)
  expect(fifth.fingerprint).not.toBe(fourth.fingerprint)
})

it('its place follows the XDG variable', () => {
  expect(certificateFolder({ XDG_CACHE_HOME: '/cache' })).toBe(join('/cache', 'holdfast-lan'))
  expect(certificateFolder({})).toMatch(/\.cache.holdfast-lan$/)
})
