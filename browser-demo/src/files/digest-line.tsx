import type { Digests } from './transfer.ts'

interface DigestLineProps {
  readonly digests: Digests
  readonly direction: 'in' | 'out'
}

/** One digest when both ends computed the same; both, and loudly, when they did not. */
export function DigestLine({ digests: { ours, theirs }, direction }: DigestLineProps) {
  if (ours === theirs) {
    return (
      <p data-testid="digests" data-equal="true">
        ✓ SHA-256 computed at both ends, equal: <code>{ours}</code>
      </p>
    )
  }
  const [read, stored] = direction === 'out' ? [ours, theirs] : [theirs, ours]
  return (
    <div role="alert" class="mistake" data-testid="digests" data-equal="false">
      <strong>✗ This is not the same file at both ends. Do not use it; send it again.</strong>
      <p>
        SHA-256 of what was sent: <code>{read}</code>
      </p>
      <p>
        SHA-256 of what was stored: <code>{stored}</code>
      </p>
    </div>
  )
}
