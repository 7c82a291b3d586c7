import { isAbsolute } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RelayOptions } from '../../../relay-server/config.ts'
import { announceAddresses, listenAddresses, parseConfig } from '../../../relay-server/config.ts'
import { limits } from '../../../relay-server/relay.ts'

const PEER = '12D3KooWGC6tVWQU2N6NmAyivKTmSGPb5SgsxFBBgXLPYB5JW2Ni'
const OTHER = '12D3KooWQEY94KwoRF3H6aGreDRz8xvZD7qYRyYkm7g9ME8E8Uog'

describe('defaults', () => {
  it('are loopback, 9090, 3478, 1 GiB and 1 h', () => {
    const { identityPath, ...config } = parseConfig()
    expect(isAbsolute(identityPath)).toBe(true)
    expect(config).toEqual({
      hosts: ['127.0.0.1'],
      port: 9090,
      stunPort: 3478,
      stunHosts: ['127.0.0.1'],
      announce: [],
      maxReservations: 1024,
      limitBytes: 1_073_741_824,
      limitSeconds: 3600
    })
  })

  it('numbers may come as text, as on a command line', () => {
    expect(
      parseConfig({ port: '0', stunPort: '5', maxReservations: '7', limitBytes: '0', limitSeconds: '60' })
    ).toMatchObject({
      port: 0,
      stunPort: 5,
      maxReservations: 7,
      limitBytes: 0,
      limitSeconds: 60
    })
  })

  it('STUN can be left out', () => {
    expect(parseConfig({ stunPort: false }).stunPort).toBeUndefined()
  })

  it('STUN is answered where the relay listens, unless told otherwise', () => {
    expect(parseConfig({ hosts: ['::1'] }).stunHosts).toEqual(['::1'])
    expect(parseConfig({ stunHosts: ['localhost', '192.0.2.1'] })).toMatchObject({
      hosts: ['127.0.0.1'],
      stunHosts: ['127.0.0.1', '192.0.2.1']
    })
  })

  it('each host is listened on once, in its family', () => {
    expect(listenAddresses(parseConfig({ hosts: ['localhost', '127.0.0.1', '::1'], port: 1 }))).toEqual([
      '/ip4/127.0.0.1/tcp/1/ws',
      '/ip6/::1/tcp/1/ws'
    ])
  })
})

describe('what cannot work is refused, and the remedy named', () => {
  const cases: Array<[string, RelayOptions, RegExp]> = [
    ['a port that is no number', { port: 'http' }, /--port 'http'.*\n.*whole number from 0 to 65535/],
    ['a port out of range', { port: 65_536 }, /--port '65536'/],
    ['an empty port', { port: '' }, /--port ''/],
    ['a negative STUN port', { stunPort: '-1' }, /--stun-port '-1'/],
    [
      'a name to answer STUN at',
      { stunHosts: ['relay.example'] },
      /--stun-host 'relay\.example'.*\n.*Give --stun-host/
    ],
    ['no reservations at all', { maxReservations: 0 }, /--max-reservations '0'.*\n.*from 1/],
    ['bytes with a unit', { limitBytes: '1GiB' }, /--limit-bytes '1GiB'.*\n.*without a unit/],
    ['half a second', { limitSeconds: '0.5' }, /--limit-seconds '0.5'/],
    ['more seconds than a timer can take', { limitSeconds: 2_147_484 }, /--limit-seconds.*\n.*to 2147483/],
    ['a host name', { hosts: ['relay.example'] }, /--host 'relay.example' is not an IP address\n.*--announce/],
    ['an IPv6 zone', { hosts: ['fe80::1%eth0'] }, /--host/],
    [
      'an announced address that is no multiaddr',
      { announce: ['wss://relay.example'] },
      /--announce 'wss:.*\n.*\/dns4\//
    ],
    ['an announced address of another protocol', { announce: ['/ip4/203.0.113.7/tcp/1'] }, /speaks WebSocket/],
    ['the announced wildcard address', { announce: ['/ip4/0.0.0.0/tcp/1/ws'] }, /wildcard/],
    ['an announced circuit', { announce: [`/ip4/203.0.113.7/tcp/1/ws/p2p/${PEER}/p2p-circuit`] }, /another relay/],
    ['an announced PeerId that is none', { announce: ['/ip4/203.0.113.7/tcp/1/ws/p2p/nobody'] }, /--announce/]
  ]

  it.each(cases)('%s', (_, options, message) => {
    expect(() => parseConfig(options)).toThrow(expect.objectContaining({ name: 'RelayError' }))
    expect(() => parseConfig(options)).toThrow(message)
  })
})

describe('announced addresses', () => {
  const announce = [
    `/dns4/relay.example/tcp/443/tls/ws/p2p/${PEER}`,
    '/ip4/203.0.113.7/tcp/1/ws',
    '/dns4/relay.example/tcp/443/wss'
  ]

  it('lose the PeerId, which libp2p adds', () => {
    expect(announceAddresses(parseConfig({ announce }), PEER)).toEqual([
      '/dns4/relay.example/tcp/443/tls/ws',
      '/ip4/203.0.113.7/tcp/1/ws',
      '/dns4/relay.example/tcp/443/wss'
    ])
  })

  it('may not name another peer', () => {
    expect(() => announceAddresses(parseConfig({ announce }), OTHER)).toThrow(
      expect.objectContaining({
        code: 'WRONG_PEER_ID',
        message: expect.stringMatching(`(?s:${PEER}.*${OTHER}.*--identity)`)
      })
    )
  })
})

describe('limits as the stock service takes them', () => {
  it('bytes and milliseconds', () => {
    expect(limits({ limitBytes: 2 ** 30, limitSeconds: 3600 })).toEqual({
      applyDefaultLimit: true,
      defaultDataLimit: 1_073_741_824n,
      defaultDurationLimit: 3_600_000
    })
  })

  it('none at all', () => {
    expect(limits({ limitBytes: 0, limitSeconds: 0 }).applyDefaultLimit).toBe(false)
  })

  it('one without the other: no timer overflows, no 0 that would cut at once', () => {
    expect(limits({ limitBytes: 5, limitSeconds: 0 })).toEqual({
      applyDefaultLimit: true,
      defaultDataLimit: 5n,
      defaultDurationLimit: 2_147_483_000
    })
    expect(limits({ limitBytes: 0, limitSeconds: 5 })).toMatchObject({
      applyDefaultLimit: true,
      defaultDataLimit: 9_007_199_254_740_991n
    })
  })
})
