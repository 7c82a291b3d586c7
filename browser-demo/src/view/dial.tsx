import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Demo } from '../model/demo.ts'

export function Dial({ demo }: { demo: Demo }) {
  const input = useRef<HTMLInputElement>(null)
  const mistake = demo.mistake.value
  const dialling = demo.dialling.value
  const ready = demo.phase.value.status === 'running'
  useLayoutEffect(() => {
    if (mistake !== '') input.current?.focus()
  }, [mistake])
  return (
    <section class="panel" aria-labelledby="dial-heading">
      <h2 id="dial-heading">Dial</h2>
      <form
        data-testid="dial-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          demo.submit()
        }}
      >
        <label for="dial-input">PeerId or share link of the other side</label>
        <div class="row">
          <input
            ref={input}
            id="dial-input"
            data-testid="dial-input"
            aria-describedby="dial-error"
            aria-invalid={mistake === '' ? undefined : 'true'}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="12D3KooW…"
            value={demo.dialInput.value}
            onInput={({ currentTarget }) => {
              demo.dialInput.value = currentTarget.value
            }}
          />
          <button type="submit" data-testid="dial-button" aria-disabled={!ready || dialling} aria-busy={dialling}>
            {dialling ? 'Dialling…' : 'Dial'}
          </button>
        </div>
        <p class="mistake" id="dial-error" data-testid="dial-error" role="alert">
          {mistake}
        </p>
      </form>
    </section>
  )
}
