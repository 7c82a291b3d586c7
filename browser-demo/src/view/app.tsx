import type { Demo } from '../model/demo.ts'
import { Dial } from './dial.tsx'
import { LinkCard } from './link-card.tsx'
import { StartMistake } from './start-mistake.tsx'
import { You } from './you.tsx'

export function App({ demo }: { demo: Demo }) {
  const failed = demo.phase.value.status === 'failed'
  return (
    <>
      <header class="page-head">
        <h1>Holdfast</h1>
        <p>A connection that outlives every path that carries it.</p>
      </header>
      <main class="page">
        <StartMistake demo={demo} />
        {!failed && (
          <div class="side">
            <You demo={demo} />
            <Dial demo={demo} />
          </div>
        )}
        {!failed && <Links demo={demo} />}
      </main>
      <p class="unseen" role="status" data-testid="announcer">
        {demo.announcement}
      </p>
    </>
  )
}

function Links({ demo }: { demo: Demo }) {
  // Those of before a reload are there first, and wait until the page can dial them.
  const running = demo.phase.value.status === 'running'
  const peers = running ? demo.peers.value : []
  return (
    <section class="links" aria-labelledby="links-heading">
      <h2 id="links-heading">Links</h2>
      {running && peers.length === 0 && (
        <div class="nobody" data-testid="no-links">
          <p>
            <strong>Nobody yet.</strong> Open the share link in a second window or on another device, or dial somebody’s
            PeerId.
          </p>
          <p>
            Then take the network away while you chat: the link says <em>recovering</em>, and what you type arrives when
            a path is back.
          </p>
        </div>
      )}
      <div class="cards" data-testid="cards">
        {peers.map((peer) => (
          <LinkCard key={peer.id.toString()} demo={demo} peer={peer} />
        ))}
      </div>
    </section>
  )
}
