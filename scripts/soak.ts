// `npm run test:soak`: what `npm test` runs in short form, in full, one part after the other; figures as JSON.
//   npm run test:soak -- slow-reader sim        only these parts
//   npm run test:soak -- --json figures.json    where the figures go (default soak.json)
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBrowsers } from './browsers.ts'
import { isolated } from './isolate.ts'
import { root, run } from './processes.ts'

interface Part {
  args: string[]
  env?: NodeJS.ProcessEnv
  /** It hangs if it takes longer. */
  timeoutMs: number
  isolate?: boolean
}

const program = (path: string) => join(root, 'node_modules', path)
const vitest = (project: string, ...files: string[]) => [
  program('vitest/vitest.mjs'),
  'run',
  '--project',
  project,
  ...files
]
const bench = (name: string, ...args: string[]) => [join(root, 'bench/run.ts'), name, ...args]

const files = globSync('test/soak/*.test.ts', { cwd: root }).sort()
const parts: Record<string, Part> = {
  ...Object.fromEntries(
    files.map((file) => {
      const part: Part = { args: vitest('soak', file), timeoutMs: 45 * 60_000, isolate: true }
      return [basename(file, '.test.ts').replace('.full', ''), part]
    })
  ),
  sim: { args: vitest('sim'), env: { HOLDFAST_SCHEDULES: '1000000' }, timeoutMs: 180 * 60_000 },
  fuzz: {
    args: vitest('unit', 'test/unit/wire/fuzz.test.ts', 'test/unit/session/fuzz.test.ts'),
    env: { HOLDFAST_FUZZ: '10000000' },
    timeoutMs: 60 * 60_000
  },
  mutations: { args: [join(root, 'scripts/mutations.ts')], timeoutMs: 60 * 60_000 },
  failover: { args: bench('failover'), timeoutMs: 60 * 60_000 },
  migrate: { args: bench('migrate', '--migrations', '1000', '--bytes', '1000000000'), timeoutMs: 60 * 60_000 }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: join(root, 'soak.json') } }
})
const unknown = positionals.filter((name) => parts[name] == null)
if (unknown.length > 0) {
  console.error(`No such part: ${unknown.join(', ')}. There are: ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}
const chosen = Object.keys(parts).filter((name) => positionals.length === 0 || positionals.includes(name))

await ensureBrowsers()
const folder = mkdtempSync(join(tmpdir(), 'holdfast-soak-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

interface Result {
  passed: boolean
  seconds: number
  figures: unknown[]
}

const results: Record<string, Result> = {}
for (const name of chosen) {
  const { args, env = {}, timeoutMs, isolate = false } = parts[name] as Part
  const report = join(folder, `${name}.jsonl`)
  console.log(`\n=== ${name}`)
  const base = isolate ? isolated(process.execPath, args) : { command: process.execPath, args, env: process.env }
  const start = Date.now()
  const { code, timedOut } = await run(base.command, base.args, {
    env: { ...base.env, ...env, HOLDFAST_SOAK: 'full', HOLDFAST_SOAK_REPORT: report },
    timeoutMs
  })
  if (timedOut) console.error(`Killed: it did not end within ${Math.round(timeoutMs / 1000)} s`)
  const lines = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []
  results[name] = {
    passed: code === 0,
    seconds: Math.round((Date.now() - start) / 1000),
    figures: lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  }
  writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`)
}

const failed = chosen.filter((name) => results[name]?.passed !== true)
for (const name of chosen) {
  console.log(`${name.padEnd(16)} ${results[name]?.passed ? 'passed' : 'failed'}  ${results[name]?.seconds} s`)
}
console.log(`Figures: ${values.json}`)
console.log(`${chosen.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
