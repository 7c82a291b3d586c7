// npm run bench                     lists the benches
// npm run bench -- first-byte       measures; a table for people
//   --json                          one JSON object as the last line
//   --runs N                        instead of the bench's own number
//   --rtt MS                        round trip between the peers over the relay, where the bench has a relay
import { parseArgs } from 'node:util'
import { isolated } from '../scripts/isolate.ts'
import { run } from '../scripts/processes.ts'
import { bundle } from './benches/bundle.ts'
import { firstByte } from './benches/first-byte.ts'
import { ensureBuilt } from './build.ts'
import { type Bench, jsonLine } from './harness.ts'
import { table } from './report.ts'

const benches: Record<string, Bench> = { 'first-byte': firstByte, bundle }

const usage = `npm run bench -- NAME [--json] [--runs N] [--rtt MS]

${Object.entries(benches)
  .map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`)
  .join('\n')}`

const BENCH_TIMEOUT_MS = 60 * 60_000

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, runs: { type: 'string' }, rtt: { type: 'string' } }
  })
  const [name] = positionals
  if (name == null) {
    console.log(usage)
    return 0
  }
  const bench = benches[name]
  if (bench == null || positionals.length > 1) {
    console.error(`There is no bench ${positionals.join(' ')}.\n\n${usage}`)
    return 2
  }
  const options = { runs: positive('runs', values.runs), rttMs: positive('rtt', values.rtt) }
  await ensureBuilt()
  const again = isolated(process.execPath, [import.meta.filename, ...args])
  if (bench.isolated && again.command !== process.execPath) {
    const { code } = await run(again.command, again.args, { env: again.env, timeoutMs: BENCH_TIMEOUT_MS })
    return code
  }
  if (again.env.HOLDFAST_NOT_ISOLATED != null) process.env.HOLDFAST_NOT_ISOLATED = again.env.HOLDFAST_NOT_ISOLATED
  const outcome = await bench.run({ ...options, log: (line) => console.error(line) })
  console.log(table(outcome))
  if (values.json) console.log(jsonLine(outcome.result))
  return 0
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text == null) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  console.error(`--${option} ${text} must be a whole number, 1 or more`)
  process.exit(2)
}

process.exit(await main(process.argv.slice(2)))
