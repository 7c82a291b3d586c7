import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..', '..')

export interface Markdown {
  /** From the root of the project. */
  readonly file: string
  /** Everything that is not in a fenced block. */
  readonly prose: string
  readonly blocks: ReadonlyArray<{ readonly language: string; readonly code: string }>
}

/** The texts that people read; the change log is history, and the reference is checked against the sources. */
export function documents(): Markdown[] {
  const files = globSync(['*.md', '{docs,examples,bench,relay-server,browser-demo}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules', 'CHANGELOG.md', 'docs/api']
  })
  return files.map((file) => parse(file.replaceAll('\\', '/'), read(file)))
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export function parse(file: string, text: string): Markdown {
  const blocks: Array<{ language: string; code: string }> = []
  const prose = text.replace(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm, (_all, language: string, code: string) => {
    blocks.push({ language, code })
    return ''
  })
  return { file, prose, blocks }
}

/** What `[text](target)` and `![text](target)` point to. */
export function links({ prose }: Markdown): string[] {
  return [...prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
}

export function codeSpans({ prose }: Markdown): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** Where `#…` can point to, as git hosts name headings. */
export function anchors({ prose }: Markdown): Set<string> {
  const seen = new Map<string, number>()
  const found = new Set([...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id))
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const before = seen.get(name) ?? 0
    seen.set(name, before + 1)
    found.add(before === 0 ? name : `${name}-${before}`)
  }
  return found
}
