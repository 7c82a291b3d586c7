import { useMemo } from 'preact/hooks'
import encodeQR from 'qr'

/** Modules of white around it, which readers need. */
const BORDER = 2

/** Dark on white in every colour scheme: not all readers take it the other way round. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const rows = encodeQR(text, 'raw', { ecc: 'low', border: BORDER })
    const path = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : []))).join('')
    return { size: rows.length, path }
  }, [text])
  return (
    <svg role="img" aria-label={label} data-testid="qr" viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
