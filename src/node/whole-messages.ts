import type { MultiaddrConnection } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'

/** What the stock connection does with bytes to send. */
interface Sending {
  sendData(data: Uint8ArrayList): SendResult
}

/**
 * One WebSocket message for all that is sent at once. Stock (@libp2p/websockets 10.1) makes one of each part of a list, and
 * noise and yamux add parts: seven messages for a frame of ours, each of which costs both ends, and a relay twice, about as
 * much as the encryption of 16 KiB.
 */
export function sendsWhole(maConn: MultiaddrConnection): MultiaddrConnection {
  const connection = maConn as MultiaddrConnection & Sending
  const sendData = connection.sendData.bind(connection)
  return Object.assign(connection, {
    sendData: (data: Uint8ArrayList) => sendData(new Uint8ArrayList(data.subarray()))
  })
}
