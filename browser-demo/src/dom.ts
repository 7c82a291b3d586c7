/** The element that the page calls `name`; the tests find it under the same name. */
export function part<E extends HTMLElement = HTMLElement>(root: ParentNode, name: string): E {
  const found = root.querySelector<E>(`[data-testid="${name}"]`)
  if (found == null) throw new Error(`The page has no part named ${name}`)
  return found
}

/** `name` is what the style sheet and the tests call it. */
export function element(tag: string, text: string, name?: string): HTMLElement {
  const made = document.createElement(tag)
  made.textContent = text
  if (name != null) {
    made.className = name
    made.dataset.testid = name
  }
  return made
}

/** Writes only what differs, so that neither selections nor screen readers are disturbed every second. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** Appends to a list that forgets its oldest items beyond `limit`. */
export function appendTo(list: HTMLElement, item: HTMLElement, limit: number): void {
  list.append(item)
  while (list.childElementCount > limit) list.firstElementChild?.remove()
}

/** For people who cannot see the page change. */
export function announce(text: string): void {
  setText(part(document, 'announcer'), text)
}

export function copyOnClick(button: HTMLButtonElement, what: string, text: () => string): void {
  button.addEventListener('click', () => {
    // Browsers offer the clipboard to secure contexts only, and may refuse it there.
    Promise.resolve(navigator.clipboard?.writeText(text()) ?? Promise.reject(new Error('no clipboard'))).then(
      () => {
        button.textContent = 'Copied'
        announce(`${what} copied`)
        setTimeout(() => {
          button.textContent = 'Copy'
        }, 2000)
      },
      () => prompt(`Copy ${what} from here`, text())
    )
  })
}
