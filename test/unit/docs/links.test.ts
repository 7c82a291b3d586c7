import { existsSync, globSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, codeSpans, documents, links, type Markdown, parse, read, root } from './markdown.ts'

const folders = ['src', 'test', 'docs', 'bench', 'scripts', 'examples', 'relay-server', 'browser-demo']
const isPath = new RegExp(`^(${folders.join('|')})/[\\w./*{},-]*$`)

/** Links of this text that lead nowhere. Other sites are not visited: tests need no network. */
function broken(document: Markdown): string[] {
  return links(document)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .filter((target) => {
      const [path = '', heading] = target.split('#')
      if (path === '') return !anchors(document).has(heading ?? '')
      const file = posix.join(posix.dirname(document.file), path)
      if (!existsSync(join(root, file))) return true
      return heading != null && !anchors(parse(file, read(file))).has(heading)
    })
}

function missingFiles(document: Markdown): string[] {
  return codeSpans(document).filter((code) => isPath.test(code) && globSync(code, { cwd: root }).length === 0)
}

describe('texts', () => {
  it.each(documents().map((document) => ({ ...document })))('$file links to what is there', (document) => {
    expect(broken(document)).toEqual([])
  })

  it.each(documents().map((document) => ({ ...document })))('$file names files that are there', (document) => {
    expect(missingFiles(document)).toEqual([])
  })

  it('the API reference links to what is there', () => {
    const file = 'docs/api/README.md'
    expect(broken(parse(file, read(file)))).toEqual([])
  })
})

describe('the checker of links', () => {
  const text = (prose: string) => parse('docs/a.md', prose)

  it.each([
    ['a file that is not there', '[x](nothing.md)'],
    ['a path from the wrong folder', '[x](docs/PROTOCOL.md)'],
    ['a heading that is not there', '[x](PROTOCOL.md#no-such-heading)'],
    ['a heading of its own that is not there', '# One\n\n[x](#two)'],
    ['a picture', '![x](picture.png)']
  ])('catches %s', (_name, prose) => {
    expect(broken(text(prose))).toHaveLength(1)
  })

  it.each([
    ['a file', '[x](PROTOCOL.md)'],
    ['a folder', '[x](decisions/)'],
    ['a heading elsewhere', '[x](PROTOCOL.md#identity)'],
    ['a heading of its own', '# `One` and [two](PROTOCOL.md)!\n\n[x](#one-and-two)'],
    ['the second heading of a name', '# One\n# One\n\n[x](#one-1)'],
    ['another site', '[x](https://example.org/nothing)'],
    ['code', '`[x](nothing.md)`\n\n```md\n[x](nothing.md)\n```']
  ])('allows %s', (_name, prose) => {
    expect(broken(text(prose))).toEqual([])
  })

  it('catches a file named that is not there', () => {
    expect(missingFiles(text('`src/link/no-such.ts`, `src/link/link.ts`, `test/unit/**/*.test.ts`'))).toEqual([
      'src/link/no-such.ts'
    ])
  })
})
