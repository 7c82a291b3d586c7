import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { asMultiaddr, chooseAddress, inUrl, lanAddresses } from '../../../../scripts/lan/addresses.ts'

const info = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo

describe('the addresses others reach this machine at', () => {
  it('are those of networks, neither loopback nor link-local ones', () => {
    expect(
      lanAddresses({
        lo: [info('127.0.0.1', true), info('::1', true)],
        wlan0: [info('169.254.3.4'), info('fe80::1'), info('192.168.1.5'), info('2001:db8::5')]
      })
    ).toEqual(['192.168.1.5', '2001:db8::5'])
  })

  it('begin with a private IPv4 one; those of containers come last', () => {
    expect(
      lanAddresses({
        docker0: [info('172.17.0.1')],
        eth0: [info('fd00::2'), info('198.51.100.7')],
        wlan0: [info('10.0.0.9')]
      })
    ).toEqual(['10.0.0.9', '198.51.100.7', 'fd00::2', '172.17.0.1'])
  })

  it('are none on a machine without a network', () => {
    expect(lanAddresses({ lo: [info('127.0.0.1', true)] })).toEqual([])
  })
})

describe('the address for --lan', () => {
  it('is the likeliest, or the one asked for', () => {
    expect(chooseAddress(undefined, ['10.0.0.9', 'fd00::2'])).toEqual({ address: '10.0.0.9' })
    expect(chooseAddress('fd00::2', ['10.0.0.9', 'fd00::2'])).toEqual({ address: 'fd00::2' })
  })

  it('is refused in a sentence when this machine does not have it', () => {
    expect(chooseAddress('10.0.0.8', ['10.0.0.9', 'fd00::2'])).toEqual({
      mistake: '--address 10.0.0.8: this machine can be reached at 10.0.0.9, fd00::2 only'
    })
  })

  it('is refused in a sentence when there is none', () => {
    expect(chooseAddress(undefined, [])).toEqual({
      mistake: '--lan: this machine has no address in a network; connect it to one, or leave --lan out'
    })
  })

  it('stands in URLs and multiaddrs of both families', () => {
    expect([inUrl('10.0.0.9'), inUrl('fd00::2')]).toEqual(['10.0.0.9', '[fd00::2]'])
    expect([asMultiaddr('10.0.0.9'), asMultiaddr('fd00::2')]).toEqual(['/ip4/10.0.0.9', '/ip6/fd00::2'])
  })
})
