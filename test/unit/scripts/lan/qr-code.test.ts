import { stripVTControlCharacters } from 'node:util'
import decodeQR from 'qr/decode.js'
import { expect, it } from 'vitest'
import { qrCode } from '../../../../scripts/lan/qr-code.ts'

const SCALE = 8

/** What a camera sees: each character is two cells, one above the other; blocks are light. */
function photograph(text: string): { width: number; height: number; data: Uint8Array } {
  const rows = text.split('\n').flatMap((line) => {
    const cells = [...line]
    return [cells.map((cell) => '█▀'.includes(cell)), cells.map((cell) => '█▄'.includes(cell))]
  })
  const width = (rows[0]?.length ?? 0) * SCALE
  const height = rows.length * SCALE
  const data = new Uint8Array(width * height * 4).fill(255)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rows[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)] !== true)
        data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return { width, height, data }
}

it('the code in the terminal says the address', () => {
  const url = 'https://192.168.1.5:5173/'
  expect(decodeQR(photograph(stripVTControlCharacters(qrCode(url))))).toBe(url)
})
