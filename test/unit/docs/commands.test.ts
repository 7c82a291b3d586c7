import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeSpans, documents, type Markdown, parse, read, root } from './markdown.ts'

const { scripts, bin } = JSON.parse(read('package.json')) as Record<'scripts' | 'bin', Record<string, string>>

/** The part of `text` between two lines, of which this test reads the names of phases, projects and benches. */
function keys(file: string, pattern: RegExp): string[] {
  return [...read(file).matchAll(pattern)].map(([, name = '']) => name)
}

const phases = keys('scripts/test.ts', /^ {2}(\w+): \{$/gm)
const projects = keys('vitest.config.ts', /project\('(\w+)'/g)
const browsers = keys('playwright.config.ts', /name: '(\w+)'/g)
const benches = globSync('bench/benches/*.ts', { cwd: root }).map((file) => file.replace(/^.*[\\/]|\.ts$/g, ''))

/** What is wrong with one command, `undefined` if nothing is or it is none of ours. */
function complain(command: string): string | undefined {
  const words = command.trim().split(/\s+/)
  while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift()
  const [program, ...args] = words
  const names = args.filter((word) => !word.startsWith('-'))
  const after = (flag: string) => args.flatMap((word, i) => (word === flag ? (args[i + 1] ?? '') : []))
  const unknown = (what: string, asked: string[], known: string[]) => {
    const wrong = asked.filter((name) => !known.includes(name) && !/^[A-Z]+$/.test(name))
    return wrong.length === 0 ? undefined : `there is no ${what} ${wrong.join(', ')}`
  }
  if (program === 'npm' && args[0] === 'run') {
    if (!Object.hasOwn(scripts, args[1] ?? '')) return `there is no script ${args[1]}`
    if (args[1] === 'bench' && args[2] === '--') return unknown('bench', [args[3] ?? ''], benches)
    return undefined
  }
  if (program === 'npm' && args[0] === 'test') return unknown('phase', names.slice(1), phases)
  if (program === 'npx' && names[0]?.startsWith('holdfast'))
    return unknown('program', names.slice(0, 1), Object.keys(bin))
  if (program === 'node') {
    if (names[0] === 'scripts/isolate.ts') return complain(args.slice(1).join(' '))
    return names[0] == null || existsSync(join(root, names[0])) ? undefined : `there is no file ${names[0]}`
  }
  if (program === 'vitest') return unknown('project', after('--project'), projects) ?? missing('test', names.slice(1))
  if (program === 'playwright')
    return unknown('project', after('--project'), browsers) ?? missing('test/browser', names.slice(1))
  return undefined

  function missing(folder: string, asked: string[]): string | undefined {
    const files = globSync(`${folder}/**/*.{test,spec}.ts`, { cwd: root })
    const given = asked.filter((name) => !after('--project').includes(name) && !/^[A-Z]+$/.test(name))
    const wrong = given.filter((name) => !files.some((file) => file.replaceAll('\\', '/').includes(name)))
    return wrong.length === 0 ? undefined : `no file of ${folder} is named ${wrong.join(', ')}`
  }
}

/** Commands of a text: lines of its shell blocks and indented ones, without their comments, and code within its sentences. */
function commands(document: Markdown): string[] {
  const lines = document.blocks
    .filter(({ language }) => ['sh', 'bash', 'console'].includes(language))
    .flatMap(({ code }) => code.split('\n').map((line) => line.replace(/\s#.*$/, '').replace(/^\$ /, '')))
  const indented = [...document.prose.matchAll(/^ {4}((?:npm|npx|node) .*?)(?: {2,}.*)?$/gm)].map(
    ([, line = '']) => line
  )
  return [...lines, ...indented, ...codeSpans(document)].flatMap((line) => line.split(/&&|;/))
}

function wrong(document: Markdown): string[] {
  return commands(document).flatMap((command) => {
    const complaint = complain(command)
    return complaint == null ? [] : [`${command.trim()}: ${complaint}`]
  })
}

describe('texts', () => {
  it.each(documents().map((document) => ({ ...document })))('$file names commands that exist', (document) => {
    expect(wrong(document)).toEqual([])
  })
})

describe('the checker of commands', () => {
  it('knows phases, projects and benches', () => {
    expect(phases).toContain('unit')
    expect(projects).toContain('sim')
    expect(browsers).toContain('mixed')
    expect(benches).toContain('first-byte')
  })

  it.each([
    'npm run no-such-script',
    'npm run bench -- no-such-bench',
    'npm test -- unit no-such-phase',
    'npx holdfast-no-such-program',
    'node examples/no-such.ts --relay x',
    'node scripts/isolate.ts playwright test no-such --project mixed',
    'playwright test link --project opera',
    'vitest run --project nothing',
    'HOLDFAST_SEED=1 vitest run --project unit no-such.test.ts'
  ])('catches %s', (command) => {
    expect(wrong(parse('a.md', `\`${command}\``))).toHaveLength(1)
    expect(wrong(parse('a.md', `\`\`\`sh\n${command}   # why\n\`\`\``))).toHaveLength(1)
    if (/^n/.test(command)) expect(wrong(parse('a.md', `    ${command}   why`))).toHaveLength(1)
  })

  it.each([
    'npm run bench -- first-byte --runs 3',
    'npm test -- unit sim',
    'npx holdfast-relay --host 0.0.0.0',
    'node scripts/isolate.ts playwright test link --project mixed',
    'vitest run --project unit test/unit/rooms.test.ts',
    'npm install libp2p-holdfast'
  ])('allows %s', (command) => {
    expect(wrong(parse('a.md', `\`${command}\``))).toEqual([])
  })
})
