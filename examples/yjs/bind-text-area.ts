import type * as Y from 'yjs'

/** What is typed goes into the shared text, and the other way round; the selection stays where its neighbours are. */
export function bindTextArea(area: HTMLTextAreaElement, text: Y.Text): void {
  area.value = text.toString()

  area.addEventListener('input', () => {
    const [before, after] = [text.toString(), area.value]
    const shorter = Math.min(before.length, after.length)
    // What was typed ends at the caret: of two equal letters it is the second.
    let start = 0
    while (start < Math.min(shorter, area.selectionStart) && before[start] === after[start]) start++
    let end = 0
    while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++
    text.doc?.transact(() => {
      text.delete(start, before.length - start - end)
      text.insert(start, after.slice(start, after.length - end))
    }, area)
  })

  text.observe(({ delta, transaction }) => {
    if (transaction.origin === area) return
    let [at, from, to] = [0, area.selectionStart, area.selectionEnd]
    for (const { retain = 0, insert = '', delete: removed = 0 } of delta) {
      const inserted = String(insert).length
      if (from > at) from += inserted - Math.min(removed, from - at)
      if (to > at) to += inserted - Math.min(removed, to - at)
      at += retain + inserted
    }
    area.value = text.toString()
    area.setSelectionRange(from, to)
  })
}
