import type { Transfer } from './transfer.ts'

/** The browser reads it from the address when it gets to it; the address costs nothing but its few bytes. */
const addressLifeMs = 60 * 60_000

/** Hands a file over to the browser's downloads, under the name the peer gave it, made safe. */
export function save(transfer: Transfer): void {
  const { value } = transfer.contents
  if (value == null) return
  // Never as what the peer says it is: a page of it must not open here.
  const address = URL.createObjectURL(value.slice(0, value.size, 'application/octet-stream'))
  const anchor = document.createElement('a')
  anchor.href = address
  anchor.download = transfer.name
  anchor.click()
  transfer.savedAt.value = Date.now()
  setTimeout(() => URL.revokeObjectURL(address), addressLifeMs)
}
