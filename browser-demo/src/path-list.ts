import type { PathInfo } from 'libp2p-holdfast'
import { element, part, setText } from './dom.ts'
import { pathInWords, pathName } from './words.ts'

/** One line per path, kept in place while the path lives. */
export class PathList {
  readonly #list: HTMLElement
  readonly #lines = new Map<string, HTMLElement>()

  constructor(card: HTMLElement) {
    this.#list = part(card, 'paths')
  }

  show(paths: readonly PathInfo[]): void {
    const alive = new Set(paths.map((path) => path.id))
    for (const [id, line] of this.#lines) {
      if (alive.has(id)) continue
      line.remove()
      this.#lines.delete(id)
    }
    for (const path of paths) this.#showOne(path)
    this.#list.hidden = paths.length === 0
  }

  #showOne(path: PathInfo): void {
    let line = this.#lines.get(path.id)
    if (line == null) {
      line = element('li', '', 'path')
      line.append(element('b', pathName(path)), element('span', ''))
      line.title = path.remoteAddr.toString()
      line.dataset.kind = path.kind
      this.#lines.set(path.id, line)
      this.#list.append(line)
    }
    line.dataset.role = path.role
    setText(line.lastElementChild as HTMLElement, pathInWords(path))
  }
}
