// What every bench shares: contestants take turns, medians are reported, peers are processes that end with us.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** What one run measured: metric -> number. Milliseconds, bytes, … as the metric's name says. */
export type Sample = Readonly<Record<string, number>>

export interface Contestant {
  readonly name: string
  /** Fewer than the others where one run takes long; they are spread evenly between the others' runs. */
  readonly runs?: number
  run(): Promise<Sample>
}

export interface Interleaved {
  /** By the contestant's name. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>
  /** Runs that failed and were made again, for people. */
  readonly failures: readonly string[]
}

export interface Machine {
  readonly cores: number
  readonly node: string
  readonly platform: string
  readonly arch: string
}

export interface Result {
  readonly name: string
  readonly ours: Sample
  readonly stock: Sample
  /** Other systems, each with what it has of the same numbers. */
  readonly rivals: Readonly<Record<string, Sample>>
  readonly runs: number
  readonly machine: Machine
  /** What was asked for that is not the default. */
  readonly options?: Readonly<Record<string, number>>
}

export interface BenchOptions {
  readonly runs?: number
  /** Round trip between the two peers over the relay, in ms; each bench has its default. */
  readonly rttMs?: number
  /** `failover`: deaths of each traffic. */
  readonly kills?: number
  /** `failover`: the same of stock libp2p. */
  readonly runsStock?: number
  /** `failover`: how long UDP vanishes. */
  readonly cutMs?: number
  /** `failover`: only one of them. */
  readonly traffic?: 'echo' | 'bulk' | 'both'
  /** Peers of the network lab, such as `chromium-firefox`. */
  readonly pair?: string
  /** Of the lab's lines, each way. */
  readonly lineBitsPerSecond?: number
  /** How their TCP controls congestion. */
  readonly congestion?: string
  /** `migrate`: switches from one path to the other. */
  readonly migrations?: number
  /** `migrate`: to be sent meanwhile. */
  readonly bytes?: number
  /** `renewal`: both send as much at once. */
  readonly both?: boolean
  /** `renewal`: of one circuit of the relay; stock's if left out. */
  readonly limitBytes?: number
  readonly limitSeconds?: number
  /** `failover`: the relay has stock limits, and the standby was given up. */
  readonly cold?: boolean
  /** `idle`: how long nobody says anything. */
  readonly seconds?: number
  /** Also tells what happened to the paths; `idle`: what the bytes are. */
  readonly trace?: boolean
  /** Progress, for people. */
  log(line: string): void
}

export interface Outcome {
  readonly result: Result
  readonly samples: { readonly ours: readonly Sample[]; readonly stock: readonly Sample[] }
  /** What the numbers are, if not medians of runs. */
  readonly caption?: string
  /** For people: what could not be measured, and why. */
  readonly notes: readonly string[]
}

export interface Bench {
  readonly title: string
  /** Runs in a network namespace of its own where there are any: UDP can be cut there, nothing else is on the network. */
  readonly isolated: boolean
  /** Runs peers of the network lab, which are made of the sources: nothing has to be built. */
  readonly inLab?: boolean
  run(options: BenchOptions): Promise<Outcome>
}

/** Of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('There is no median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Medians of every metric any of the samples has, to a tenth. */
export function medians(samples: readonly Sample[]): Sample {
  return Object.fromEntries(metricsOf(samples).map((metric) => [metric, tenths(median(valuesOf(samples, metric)))]))
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

export function metricsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap((sample) => Object.keys(sample)))]
}

export function valuesOf(samples: readonly Sample[], metric: string): number[] {
  return samples.flatMap((sample) => sample[metric] ?? [])
}

/**
 * One run of each after the other, A B A B …, so that whatever else the machine does meets all of them alike. A run that
 * fails is made again, twice at most: a bench that hides failures would flatter.
 */
export async function interleave(
  contestants: readonly Contestant[],
  runs: number,
  log: (line: string) => void = () => {}
): Promise<Interleaved> {
  const failures: string[] = []
  const samples: Record<string, Sample[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < runs; round++) {
    for (const contestant of contestants) {
      const wanted = Math.min(contestant.runs ?? runs, runs)
      if (Math.floor(((round + 1) * wanted) / runs) === Math.floor((round * wanted) / runs)) continue
      const sample = await runAgain(contestant, failures, log)
      samples[contestant.name]!.push(sample)
      log(`${round + 1}/${runs} ${contestant.name}: ${JSON.stringify(medians([sample]))}`)
    }
  }
  return { samples, failures }
}

const ATTEMPTS = 3

async function runAgain({ name, run }: Contestant, failures: string[], log: (line: string) => void): Promise<Sample> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (err) {
      failures.push(`${name} failed: ${firstLine((err as Error).message)}`)
      log(failures.at(-1)!)
      if (attempt === ATTEMPTS) throw new Error(`${name} failed ${ATTEMPTS} times in a row`, { cause: err })
    }
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}

/** Facts that explain a number, none that name a machine. */
export function machine(): Machine {
  return { cores: availableParallelism(), node: process.version, platform: process.platform, arch: process.arch }
}

/** The last line of `--json`. */
export function jsonLine({ name, ours, stock, rivals, runs, machine, options }: Result): string {
  return JSON.stringify({ name, ours, stock, rivals, runs, machine, ...(options == null ? {} : { options }) })
}

const live = new Set<() => void>()

process.on('exit', () => {
  for (const kill of live) kill()
})

/** A process of its own that answers commands; it ends when we do, because the channel to it closes. */
export interface PeerProcess<Ready> {
  readonly ready: Ready
  ask<Answer>(command: object): Promise<Answer>
  /** SIGKILL: nothing of a run is left when the next begins. */
  end(): Promise<void>
}

const READY_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 60_000

export async function startPeer<Ready>(script: URL, init: object): Promise<PeerProcess<Ready>> {
  const child = fork(script, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  live.add(kill)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-4_000)
  })

  const ask = <Answer>(command: object, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms\n${stderr}`)), timeoutMs)
    child.once('message', (reply: { answer?: Answer; error?: string }) => {
      if (reply.error != null) reject(new Error(`${reply.error}\n${stderr}`))
      else resolve(reply.answer as Answer)
    })
    exited.then(() => reject(new Error(`the peer's process ended\n${stderr}`)))
    child.send(command)
    return promise.finally(() => clearTimeout(timer))
  }

  const end = async (): Promise<void> => {
    kill()
    await exited
    live.delete(kill)
  }

  try {
    return { ready: await ask<Ready>(init, READY_TIMEOUT_MS), ask, end }
  } catch (err) {
    await end()
    throw err
  }
}

/** The other end of {@link startPeer}: the first command sets up, each is answered before the next comes. */
export function servePeer(answer: (command: never) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit())
  process.on('message', (command) => {
    answer(command as never).then(
      (answer) => process.send!({ answer: answer ?? null }),
      (err: Error) => process.send!({ error: err.stack ?? String(err) })
    )
  })
}
