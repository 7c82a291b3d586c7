import { styleText } from 'node:util'
import encodeQR from 'qr'

/** For a terminal, in half blocks; white on black whatever the terminal's colours are, because cameras want contrast. */
export function qrCode(text: string): string {
  return encodeQR(text, 'ascii')
    .trimEnd()
    .split('\n')
    .map((line) => styleText(['whiteBright', 'bgBlack'], line))
    .join('\n')
}
