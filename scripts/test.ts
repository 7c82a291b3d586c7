// `npm test`: every phase one after the other, hidden tabs beside them, one verdict at the end.   npm test -- unit browser
// runs only those.
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBrowsers, findBrowsers } from './browsers.ts'
import { isolated, whyNotIsolated } from './isolate.ts'
import { type Outcome, root, run } from './processes.ts'
import { add, fromPlaywright, lastLine, nothing, type Tally } from './tally.ts'

const reports = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))

// Everything together has to end well before a CI job of 30 minutes does, installing included.
const deadline = Date.now() + 27 * 60_000

interface Step {
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  /** Read what the step reported; without it the step counts as one test. */
  tally?: () => Tally
}

interface Phase {
  title: string
  /** No phase ever takes this long; if one does, it hangs. */
  timeoutMs: number
  /** Where its tests are; a phase without files is empty, a phase with files must run some. */
  files?: string
  steps: () => Step[] | Promise<Step[]>
  /**
   * It waits for minutes and does next to nothing: it runs beside this phase and those that follow, and is told of at the
   * end.
   */
  beside?: string
  /** It needs what not every machine can have; the summary says why it was skipped. */
  maySkipAll?: true
}

const program = (path: string) => join(root, 'node_modules', path)

function readReport<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

// These install packages, which takes a registry: an isolated network has none.
const online = ['test/integration/embedding.test.ts']

function vitest(project: string, { isolate = false, args = [] as string[], part = project } = {}): Step {
  const report = join(reports, `${part}.json`)
  const all = [program('vitest/vitest.mjs'), 'run', '--project', project, '--passWithNoTests']
  all.push('--reporter=default', `--reporter=${join(root, 'scripts/vitest-tally.ts')}`, ...args)
  const {
    command,
    args: rest,
    env
  } = isolate ? isolated(process.execPath, all) : { command: process.execPath, args: all, env: process.env }
  return { command, args: rest, env: { ...env, HOLDFAST_TALLY: report }, tally: () => readReport<Tally>(report) }
}

async function playwright(part: string, ...args: string[]): Promise<Step[]> {
  const { chromium, firefox } = await findBrowsers()
  if (chromium == null && firefox == null) throw new Error('there is no browser to test with: see what the set-up said')
  const report = join(reports, `${part}.json`)
  const inside = isolated(process.execPath, [program('@playwright/test/cli.js'), 'test', ...args])
  const { command, env } = inside
  return [
    {
      command,
      args: inside.args,
      env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
      tally: () => fromPlaywright(readReport(report))
    }
  ]
}

const phases: Record<string, Phase> = {
  lint: {
    title: 'Lint',
    timeoutMs: 60_000,
    steps: () => [{ command: process.execPath, args: [program('@biomejs/biome/bin/biome'), 'check', '.'] }]
  },
  types: {
    title: 'Types',
    timeoutMs: 120_000,
    steps: () => [
      { command: process.execPath, args: [program('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'] }
    ]
  },
  unit: {
    title: 'Unit tests',
    timeoutMs: 180_000,
    files: 'test/unit/**/*.test.ts',
    steps: () => [vitest('unit')]
  },
  sim: {
    title: 'Simulations: the pure core through years of virtual time',
    timeoutMs: 360_000,
    files: 'test/sim/**/*.test.ts',
    steps: () => [vitest('sim')]
  },
  contract: {
    title: 'Contracts: every path kind, and the suites of libp2p',
    timeoutMs: 300_000,
    files: 'test/contract/**/*.test.ts',
    steps: () => [vitest('contract', { isolate: true })]
  },
  integration: {
    title: 'Integration tests: real relay, real sockets',
    timeoutMs: 480_000,
    files: 'test/integration/**/*.test.ts',
    steps: () => [
      vitest('integration', { isolate: true, args: online.map((file) => `--exclude=${file}`) }),
      vitest('integration', { args: online, part: 'integration-online' })
    ]
  },
  soak: {
    title: 'Endurance in short form (npm run test:soak: in full)',
    timeoutMs: 420_000,
    files: 'test/soak/*.test.ts',
    steps: () => [vitest('soak', { isolate: true })]
  },
  browser: {
    title: 'Browser tests',
    timeoutMs: 900_000,
    files: 'test/browser/*.spec.ts',
    steps: () => playwright('browser')
  },
  natlab: {
    title: 'The network lab itself: what it does against what was asked',
    timeoutMs: 180_000,
    files: 'test/natlab/*.test.ts',
    steps: () => [vitest('natlab')],
    maySkipAll: true
  },
  lab: {
    title: 'Network lab: real browsers behind NATs',
    timeoutMs: 180_000,
    files: 'test/natlab/scenarios/*.test.ts',
    // Not isolated: the lab makes namespaces of its own.
    steps: () => [vitest('lab')],
    maySkipAll: true
  },
  background: {
    title: 'Hidden and frozen tabs',
    timeoutMs: 780_000,
    files: 'test/browser/background/*.spec.ts',
    steps: () => playwright('background', '--config=test/browser/background/playwright.config.ts'),
    // Not earlier: browsers that start make the bounds in time of unit tests too tight.
    beside: 'sim',
    maySkipAll: true
  }
}

function judge(step: Step, { code, timedOut }: Outcome): Tally {
  if (step.tally == null) return code === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 }
  let tally = nothing
  try {
    tally = step.tally()
  } catch (error) {
    if (!timedOut) console.error(`It left no report: ${error}`)
  }
  // A crash, a hang or a failed hook may leave no failed test behind.
  return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
}

/** What it says goes to the file that `output` is the descriptor of. */
async function runPhase(phase: Phase, output?: number): Promise<Tally> {
  if (phase.files != null && globSync(phase.files, { cwd: root }).length === 0) {
    console.log(`No tests yet (${phase.files})`)
    return nothing
  }
  const end = Math.min(deadline, Date.now() + phase.timeoutMs)
  let tally = nothing
  for (const step of await phase.steps()) {
    const timeoutMs = Math.max(1, end - Date.now())
    const outcome = await run(step.command, step.args, {
      env: step.env ?? process.env,
      timeoutMs,
      ...(output == null ? {} : { stdio: ['ignore', output, output] })
    })
    if (outcome.timedOut) console.error(`Killed: it did not end within ${Math.round(timeoutMs / 1000)} s`)
    tally = add(tally, judge(step, outcome))
  }
  if (tally.passed + tally.failed === 0 && !(phase.maySkipAll && tally.skipped.length > 0)) {
    console.error(`Failed: there are tests in ${phase.files}, and none ran`)
    return { ...tally, failed: 1 }
  }
  return tally
}

const names = Object.keys(phases)
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`No such phase: ${unknown.join(', ')}. There are: ${names.join(', ')}`)
  process.exit(2)
}

const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name))
if (['browser', 'soak', 'lab', 'background'].some((name) => chosen.includes(name))) {
  // First of all, because integration tests use a browser where there is one.
  console.log('=== Browsers')
  await ensureBrowsers().catch((error: Error) => {
    console.error(error.message)
    process.exit(1)
  })
}

interface Verdict {
  tally: Tally
  time: string
}

async function verdictOn(phase: Phase, output?: number): Promise<Verdict> {
  const start = Date.now()
  const tally = await runPhase(phase, output).catch((error) => {
    console.error(`Failed: ${error instanceof Error ? error.message : error}`)
    return { ...nothing, failed: 1 }
  })
  return { tally, time: `${((Date.now() - start) / 1000).toFixed(1)} s` }
}

/** Starts the phase now; the function returned waits for it and prints what it said. */
function startBeside(name: string): () => Promise<Verdict> {
  const path = join(reports, `${name}.log`)
  const output = openSync(path, 'w')
  const verdict = verdictOn(phases[name] as Phase, output)
  return async () => {
    const result = await verdict
    closeSync(output)
    process.stdout.write(readFileSync(path))
    return result
  }
}

let total = nothing
const times: string[] = []

async function tell(name: string, collect: () => Promise<Verdict>): Promise<void> {
  console.log(`\n=== ${phases[name]?.title} (${name})`)
  const { tally, time } = await collect()
  console.log(`--- ${name}: ${lastLine(tally)}, ${time}`)
  times.push(`${name.padEnd(12)} ${time.padStart(8)}   ${lastLine(tally)}`)
  total = add(total, tally)
}

const aside = chosen.filter((name) => phases[name]?.beside != null)
const running = new Map<string, () => Promise<Verdict>>()
for (const name of chosen) {
  const phase = phases[name] as Phase
  if (aside.includes(name)) {
    await tell(name, running.get(name) ?? (() => verdictOn(phase)))
    continue
  }
  for (const other of aside) {
    const { beside: first } = phases[other] as Phase
    if (running.has(other) || names.indexOf(name) < names.indexOf(first ?? '')) continue
    running.set(other, startBeside(other))
  }
  await tell(name, () => verdictOn(phase))
}

console.log(`\n=== Summary\n${times.join('\n')}`)
const reason = whyNotIsolated()
if (reason != null) console.log(`No isolated network here: ${reason}`)
for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`)
console.log(lastLine(total))
process.exitCode = total.failed === 0 ? 0 : 1
