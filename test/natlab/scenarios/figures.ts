// What the scenarios measured, as one table at the end.

export interface Figures {
  network: string
  pair: string
  /** `ours`, or js-libp2p alone. */
  who: 'ours' | 'stock'
  /** From the dial to the answer to the first message. */
  firstByteMs: number
  /** From the dial; or how the search for a direct path ended. */
  direct: string
  /** From the first `send` to the last byte's arrival, there and back at the same time; or when it failed. */
  there: string
  back: string
  /** Of both directions; what could not even be sent counts. */
  missingBytes: number
  /** What went wrong, in the words of whom it happened to. */
  remarks?: string[]
}

const all: Figures[] = []

export function note(figures: Figures): void {
  all.push(figures)
}

const columns: Array<[title: string, width: number, value: (figures: Figures) => string]> = [
  ['network', 22, ({ network }) => network],
  ['pair', 18, ({ pair }) => pair],
  ['', 6, ({ who }) => who],
  ['first byte', 11, ({ firstByteMs }) => `${Math.round(firstByteMs)} ms`],
  ['direct', 34, ({ direct }) => direct],
  ['5 MB there', 11, ({ there }) => there],
  ['and back', 21, ({ back }) => back],
  ['bytes missing', 0, ({ missingBytes }) => String(missingBytes)]
]

/** Prints what was noted since it was last called. */
export function printFigures(): void {
  if (all.length === 0) return
  const lines = [columns.map(([title, width]) => title.padEnd(width)).join(' ')]
  for (const figures of all.splice(0)) {
    lines.push(columns.map(([, width, value]) => value(figures).padEnd(width)).join(' '))
    for (const remark of figures.remarks ?? []) lines.push(`    ${remark}`)
  }
  console.log(lines.map((line) => line.trimEnd()).join('\n'))
}
