import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { ChatMessage } from '../model/chat.ts'
import type { CardProps } from './link-card.tsx'

/** Pixels from the end that still count as reading the end. */
const NEAR_END = 8

export function ChatBox({ demo, peer }: CardProps) {
  const box = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const atEnd = useRef(true)
  const text = useSignal('')
  const messages = peer.chat.messages.value
  const open = peer.state.value.status !== 'closed' && peer.link != null

  const send = async (): Promise<void> => {
    const wanted = text.value.trim()
    if (!open || wanted === '') return
    text.value = ''
    if (!(await peer.chat.send(wanted)) && text.value === '') text.value = wanted
  }

  const focused = demo.focused.value === peer
  useLayoutEffect(() => {
    if (!focused) return
    demo.focused.value = undefined
    input.current?.focus()
  }, [focused])

  // Stays at the end unless the reader scrolled up.
  useLayoutEffect(() => {
    if (box.current != null && atEnd.current) box.current.scrollTop = box.current.scrollHeight
  }, [messages])

  return (
    <section class="chat" aria-label={`Chat with ${peer.name}`}>
      <h4>Chat</h4>
      {/* It scrolls, so the keyboard has to reach it; not every browser sees to that. */}
      <div
        ref={box}
        class="messages"
        role="log"
        aria-label="Messages"
        data-testid="messages-box"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the reason above
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END
        }}
      >
        <ol data-testid="messages">
          {messages.map((message) => (
            <Message key={message.id} message={message} />
          ))}
        </ol>
        {messages.length === 0 && <p class="quiet">Nothing said yet.</p>}
      </div>
      <form
        class="row"
        data-testid="chat-form"
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <input
          ref={input}
          data-testid="chat-input"
          aria-label="Message"
          placeholder="Message"
          autocomplete="off"
          maxLength={4000}
          readOnly={!open}
          aria-disabled={!open}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value
          }}
        />
        <button type="submit" data-testid="chat-send" aria-disabled={!open}>
          Send
        </button>
      </form>
    </section>
  )
}

function Message({ message: { from, text, at, sent } }: { message: ChatMessage }) {
  if (from === 'note') return <li class="chat-note">{text}</li>
  const date = new Date(at)
  return (
    <li class="message" data-testid="message" data-from={from} data-sent={String(sent)}>
      <span class="unseen">{from === 'you' ? 'You: ' : 'Peer: '}</span>
      <b class="message-text">{text}</b>
      <time dateTime={date.toISOString()}>{date.toLocaleTimeString()}</time>
    </li>
  )
}
