import type { PeerId } from '@libp2p/interface'
import type { Chaos } from './model.ts'

export interface ChaosDrawerProps {
  readonly chaos: Chaos
  readonly peer: PeerId
}

export function ChaosDrawer(_props: ChaosDrawerProps) {
  return (
    <details>
      <summary>Chaos</summary>
    </details>
  )
}
