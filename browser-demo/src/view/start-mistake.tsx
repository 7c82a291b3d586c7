import type { Demo } from '../model/demo.ts'

/** Why the page does not work, or not fully, and what to do about it. */
export function StartMistake({ demo }: { demo: Demo }) {
  const phase = demo.phase.value
  if (phase.status === 'failed') {
    return (
      <div class="notice" data-testid="notice" role="alert">
        <p>{phase.sentence}</p>
        {phase.retry && (
          <button type="button" data-testid="retry" onClick={() => void demo.start()}>
            Try again
          </button>
        )}
      </div>
    )
  }
  if ('RTCPeerConnection' in globalThis) return null
  return (
    <p class="notice calm" data-testid="no-webrtc" role="status">
      This browser has no WebRTC: links stay relayed, and everything else works as with others.
    </p>
  )
}
