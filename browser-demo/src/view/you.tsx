import type { Demo } from '../model/demo.ts'
import { CopyButton } from './copy-button.tsx'
import { QrCode } from './qr-code.tsx'

export function You({ demo }: { demo: Demo }) {
  const phase = demo.phase.value
  const self = phase.status === 'running' ? phase.self : undefined
  return (
    <section class="panel" aria-labelledby="you-heading">
      <h2 id="you-heading">You</h2>
      <Reachability demo={demo} />
      <h3 class="term">Your PeerId</h3>
      <div class="copyable">
        <code data-testid="peer-id">{self?.peerId ?? '…'}</code>
        <CopyButton testId="copy-peer-id" what="your PeerId" text={self?.peerId} announce={demo.announce} />
      </div>
      {self != null && self.identity !== '' && (
        <p class="quiet" data-testid="identity">
          {self.identity}
        </p>
      )}
      <h3 class="term">Share link</h3>
      <div class="copyable">
        <a href={self?.shareLink ?? './'} data-testid="share-link" target="_blank" rel="noopener">
          {self?.shareLink ?? '…'}
        </a>
        <CopyButton testId="copy-share-link" what="the share link" text={self?.shareLink} announce={demo.announce} />
      </div>
      {self != null && (
        <div class="qr">
          <QrCode text={self.shareLink} label="QR code of the share link" />
          <p class="quiet">{qrHint(new URL(self.shareLink))}</p>
        </div>
      )}
    </section>
  )
}

function qrHint({ hostname }: URL): string {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
    ? 'For this machine only. With npm start -- --lan, phones on your network can scan it.'
    : 'Scan it with a phone to link with this page.'
}

function Reachability({ demo }: { demo: Demo }) {
  const starting = demo.phase.value.status === 'starting'
  const reachable = demo.reachable.value
  const words = reachable
    ? 'Others can dial you while this page is open.'
    : 'Others cannot dial you now: no relay has taken this page in. Is the relay running?'
  return (
    <p class="reach" data-testid="reachability" data-reachable={String(reachable)} role="status">
      {starting ? 'Starting…' : words}
    </p>
  )
}
