// Breaks rules of the product on purpose, one at a time, in a copy of the tree: the simulations must notice each.
//   node scripts/mutations.ts                 all
//   node scripts/mutations.ts credit budget   those whose description has one of these words
// Every mutation is told with the schedule (seed) and the invariant that caught it, and the first unit test that did.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MUTATIONS, type Mutation, mutate } from '../test/mutations/index.ts'
import { record } from '../test/soak/support/soak.ts'
import { root, run } from './processes.ts'

/** Session schedules; of links a tenth. Half of them are the same ones every time. */
const SCHEDULES = 20_000
/** To see that nothing fails before anything is broken. */
const UNBROKEN_SCHEDULES = 2_000
const UNIT_TESTS = ['session', 'link', 'path', 'wire'].map((room) => `test/unit/${room}/`)
const TIMEOUT_MS = 900_000

const words = process.argv.slice(2)
const chosen = MUTATIONS.filter(({ breaks }) => words.length === 0 || words.some((word) => breaks.includes(word)))
if (chosen.length === 0) {
  console.error(`No mutation has one of these words: ${words.join(', ')}`)
  process.exit(2)
}

const tree = mkdtempSync(join(tmpdir(), 'holdfast-mutations-'))
process.on('exit', () => rmSync(tree, { recursive: true, force: true }))
for (const part of ['src', 'test', 'docs', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
  cpSync(join(root, part), join(tree, part), { recursive: true })
}
symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir')

interface VitestReport {
  readonly testResults: ReadonlyArray<{
    readonly message: string
    readonly assertionResults: ReadonlyArray<{
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }>
  }>
}

interface Failure {
  readonly test: string
  readonly message: string
}

/** Undefined: everything passed. */
async function firstFailure(
  project: string,
  files: readonly string[],
  schedules: number
): Promise<Failure | undefined> {
  const report = join(tree, 'report.json')
  rmSync(report, { force: true })
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, '--bail=1', ...files]
  args.push('--reporter=json', `--outputFile=${report}`)
  const { code, timedOut } = await run(process.execPath, args, {
    cwd: tree,
    env: {
      ...process.env,
      HOLDFAST_SCHEDULES: `${schedules}`,
      HOLDFAST_SOAK: undefined,
      HOLDFAST_SOAK_REPORT: undefined
    },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeoutMs: TIMEOUT_MS
  })
  if (code === 0) return undefined
  if (timedOut || !existsSync(report)) return { test: project, message: timedOut ? 'hangs' : 'crashes' }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
  for (const { message, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed != null) return { test: failed.fullName, message: failed.failureMessages[0] ?? '' }
    if (message !== '') return { test: 'a test file', message }
  }
  return { test: project, message: `exit code ${code}` }
}

interface Catch {
  readonly schedule: string
  readonly invariant: string
}

/** The simulation says which schedule it was, and what did not hold. */
function readCatch({ message }: Failure): Catch | undefined {
  const [line = ''] = message.split('\n')
  const [, schedule, invariant] = /((?:link s|S)chedule \d+|shared limit \d+) at [\d.]+ ms: (.*)$/.exec(line) ?? []
  if (schedule != null && invariant != null) return { schedule, invariant: invariant.replace(/ \(replay.*/, '') }
  const [, seed] = /seed (\d+) hangs/.exec(line) ?? []
  return seed == null ? undefined : { schedule: `Schedule ${seed}`, invariant: 'hangs' }
}

/** The nearer simulation first: when that notices, the other need not run. */
async function simulate({ file }: Mutation): Promise<Failure | undefined> {
  for (const simulation of simulationsOf(file)) {
    const failure = await firstFailure('sim', [`test/sim/${simulation}.test.ts`], SCHEDULES)
    if (failure != null) return failure
  }
  return undefined
}

function simulationsOf(file: string): string[] {
  if (file.includes('budget')) return ['shared-limit', 'link', 'session']
  return file.startsWith('src/session/') ? ['session', 'link'] : ['link', 'session']
}

async function check(mutation: Mutation): Promise<boolean> {
  const path = join(tree, mutation.file)
  const original = readFileSync(path, 'utf8')
  writeFileSync(path, mutate(original, mutation))
  try {
    const simulated = await simulate(mutation)
    const unit = await firstFailure('unit', UNIT_TESTS, SCHEDULES)
    const caught = simulated == null ? undefined : readCatch(simulated)
    record(`mutation: ${mutation.breaks}`, {
      schedule: caught?.schedule ?? 'none',
      invariant: caught?.invariant ?? simulated?.message.slice(0, 200) ?? `held in ${SCHEDULES} schedules`,
      unit: unit?.test ?? 'none'
    })
    return caught != null
  } finally {
    writeFileSync(path, original)
  }
}

// A passage that has moved is told before the first minute is spent.
for (const mutation of chosen) mutate(readFileSync(join(tree, mutation.file), 'utf8'), mutation)

const unbroken =
  (await firstFailure('sim', [], UNBROKEN_SCHEDULES)) ?? (await firstFailure('unit', UNIT_TESTS, UNBROKEN_SCHEDULES))
if (unbroken != null) {
  console.error(`Fails with nothing broken on purpose: ${unbroken.test}\n${unbroken.message}`)
  process.exit(1)
}

const survivors: string[] = []
for (const mutation of chosen) if (!(await check(mutation))) survivors.push(mutation.breaks)
console.log(`${chosen.length - survivors.length} of ${chosen.length} mutations caught by a schedule`)
for (const survivor of survivors) console.error(`Survived: ${survivor}`)
process.exitCode = survivors.length === 0 ? 0 : 1
