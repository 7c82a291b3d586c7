// npm run bench                     lists the benches
// npm run bench -- first-byte       measures; a table for people
//   --json                          one JSON object as the last line
//   --runs N                        instead of the bench's own number
//   --rtt MS                        round trip between the peers over the relay, where the bench has a relay
//   --kills N --runs-stock N --cut MS --traffic echo|bulk --cold   failover
//   --migrations N --bytes N        migrate
//   --bytes N --both --limit-bytes N --limit-seconds N --runs-stock N   renewal
//   --pair chromium-firefox         failover, migrate: peers in the network lab
//   --line BITS                     failover, migrate: bits per second of their lines
//   --congestion bbr                failover, migrate: how TCP controls congestion, instead of cubic
//   --seconds N                     idle: how long nobody says anything
//   --trace                         failover, migrate, renewal: what happened to the paths; idle: what the bytes are
import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isolated } from '../scripts/isolate.ts'
import { run } from '../scripts/processes.ts'
import { bundle } from './benches/bundle.ts'
import { failover } from './benches/failover.ts'
import { firstByte } from './benches/first-byte.ts'
import { idle } from './benches/idle.ts'
import { migrate } from './benches/migrate.ts'
import { renewal } from './benches/renewal.ts'
import { ensureBuilt } from './build.ts'
import { type Bench, type BenchOptions, jsonLine } from './harness.ts'
import { table } from './report.ts'

const benches: Record<string, Bench> = { 'first-byte': firstByte, bundle, failover, migrate, renewal, idle }

const usage = `npm run bench -- NAME [--json] [--runs N] [--rtt MS] [more: see the head of bench/run.ts]

${Object.entries(benches)
  .map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`)
  .join('\n')}`

const BENCH_TIMEOUT_MS = 60 * 60_000

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      runs: { type: 'string' },
      rtt: { type: 'string' },
      kills: { type: 'string' },
      'runs-stock': { type: 'string' },
      cut: { type: 'string' },
      traffic: { type: 'string' },
      pair: { type: 'string' },
      line: { type: 'string' },
      congestion: { type: 'string' },
      migrations: { type: 'string' },
      bytes: { type: 'string' },
      seconds: { type: 'string' },
      cold: { type: 'boolean', default: false },
      both: { type: 'boolean', default: false },
      'limit-bytes': { type: 'string' },
      'limit-seconds': { type: 'string' },
      trace: { type: 'boolean', default: false }
    }
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
  const { traffic, pair, congestion, both, cold, trace } = values
  const options = {
    runs: positive('runs', values.runs),
    rttMs: positive('rtt', values.rtt),
    kills: number('kills', values.kills, 0),
    runsStock: number('runs-stock', values['runs-stock'], 0),
    cutMs: positive('cut', values.cut),
    traffic: traffic as BenchOptions['traffic'],
    pair,
    lineBitsPerSecond: positive('line', values.line),
    congestion,
    migrations: positive('migrations', values.migrations),
    bytes: positive('bytes', values.bytes),
    seconds: positive('seconds', values.seconds),
    cold,
    both,
    limitBytes: positive('limit-bytes', values['limit-bytes']),
    limitSeconds: positive('limit-seconds', values['limit-seconds']),
    trace
  }
  if (bench.inLab !== true) await ensureBuilt()
  const again = isolated(process.execPath, [import.meta.filename, ...args])
  if (bench.isolated && again.command !== process.execPath) {
    const { code } = await run(again.command, again.args, { env: again.env, timeoutMs: BENCH_TIMEOUT_MS })
    return code
  }
  if (again.env.HOLDFAST_NOT_ISOLATED != null) process.env.HOLDFAST_NOT_ISOLATED = again.env.HOLDFAST_NOT_ISOLATED
  const outcome = await bench.run({ ...options, log: (line) => console.error(line) })
  console.log(table(outcome))
  const json = jsonLine(outcome.result)
  if (values.json) console.log(json)
  if (process.env.HOLDFAST_SOAK_REPORT != null) appendFileSync(process.env.HOLDFAST_SOAK_REPORT, `${json}\n`)
  return 0
}

function positive(option: string, text: string | undefined): number | undefined {
  return number(option, text, 1)
}

function number(option: string, text: string | undefined, least: number): number | undefined {
  if (text == null) return undefined
  const number = Number(text)
  if (Number.isInteger(number) && number >= least) return number
  console.error(`--${option} ${text} must be a whole number, ${least} or more`)
  process.exit(2)
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (err) {
  if (!(err instanceof RangeError)) throw err
  console.error(err.message)
  process.exit(2)
}
