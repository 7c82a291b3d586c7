import { peerIdFromString } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { dialMistake, readDialTarget } from '../../../browser-demo/src/model/dial-target.ts'

const self = peerIdFromString('12D3KooWHFwQdAaKvLyD2dcVJLe8Yb83NUZ5n2L74w4iH6jMzTqF')
const other = '12D3KooWCaCXoRcDFXvjMjhH1mWuatHbXce1gtwkYwx1raFG5crD'
const relayId = '12D3KooWFkW3wVAQGcz1ce2D6bjfwqtwFVutqXwGkFYTKBMnK1Ex'
const strangeRelay = '12D3KooWM6ZrmqwJjEXkxmQCdeYhzk6SqrvafxCtQiFgaJBZahWx'
const relay = `/ip4/192.0.2.1/tcp/9090/ws/p2p/${relayId}`
const page = new URL('https://demo.example/')
const read = (text: string) => readDialTarget(text, { self, relays: [relay], page })

describe('what can be dialled', () => {
  it.each([
    ['a PeerId', other],
    ['a PeerId with space around it', `  ${other}\n`],
    ['a share link', `https://demo.example/#dial=${other}`],
    ['a share link that names our relay', `https://demo.example/?relay=${encodeURIComponent(relay)}#dial=${other}`],
    ['a circuit address', `${relay}/p2p-circuit/p2p/${other}`]
  ])('%s', (_name, text) => {
    const target = read(text)
    expect('peer' in target && target.peer.toString()).toBe(other)
    expect(target).not.toHaveProperty('foreignHost')
  })

  it('a share link of another host is dialled, and remembered as such', () => {
    expect(read(`https://elsewhere.example/#dial=${other}`)).toHaveProperty('foreignHost', 'elsewhere.example')
  })
})

it.each([
  ['nothing', '  ', 'Paste the PeerId'],
  ['nonsense', '12D3KooWnonsense', '“12D3KooWnonsense” is not a PeerId'],
  ['a text too long to repeat', 'x'.repeat(500), `“${'x'.repeat(24)}…” is not a PeerId`],
  ['our own PeerId', self.toString(), 'your own PeerId'],
  ['our own share link', `https://demo.example/#dial=${self}`, 'your own PeerId'],
  ['a link without a PeerId', 'https://demo.example/', 'names nobody'],
  ['a link that is none', 'https://', 'names nobody'],
  ['an address without a PeerId', '/ip4/192.0.2.1/tcp/9090/ws', 'names no PeerId'],
  ['an address that ends at the relay', `${relay}/p2p-circuit`, 'ends at a relay'],
  ["the relay's address", relay, 'This is the relay'],
  ["the relay's PeerId", relayId, 'This is the relay'],
  [
    'a share link of another demo',
    `https://demo.example/?relay=/ip4/192.0.2.9/tcp/1/ws/p2p/${strangeRelay}#dial=${other}`,
    'of another demo'
  ]
])('%s is explained in one sentence', (_name, text, words) => {
  const target = read(text)
  expect(target).toHaveProperty('mistake', expect.stringContaining(words))
})

it.each([
  ['NoRouteError', undefined, 'Nobody answered'],
  ['NoRouteError', 'elsewhere.example', 'the demo at elsewhere.example'],
  ['PeerRefusedProtocolError', undefined, 'does not speak Holdfast'],
  ['LinkRefusedError', undefined, 'accepts no link from you'],
  ['TooManyLinksError', undefined, 'as many links as it may'],
  ['UnsupportedProtocolError', undefined, 'no chat'],
  ['Error', undefined, 'the cause']
])('a dial that ends with %s (foreign host %s) is explained', (name, foreignHost, words) => {
  const err = Object.assign(new Error('the cause'), { name })
  expect(dialMistake(err, peerIdFromString(other), foreignHost)).toContain(words)
})
