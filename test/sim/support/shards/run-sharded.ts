import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { build } from 'vite'
import { add, type Counts, ENDED, type FromWorker, NEXT, type Seeds, STOP, type WorkerInit } from './job.ts'

/** One run takes milliseconds: what takes this long goes on for ever. */
const HANG_MS = 30_000
const PROGRESS_MS = 60_000

/** Runs a job module with all these seeds on every core. @throws {Error} the first run that failed, with its seed */
export async function runSharded(job: URL, seeds: Seeds): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-shards-'))
  try {
    await bundle(job, folder)
    return await runAll(folder, seeds)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Workers know neither TypeScript nor the test runner, and are faster without. */
async function bundle(job: URL, folder: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: false,
      target: 'node22',
      rolldownOptions: {
        input: { worker: fileURLToPath(new URL('./worker.ts', import.meta.url)), job: fileURLToPath(job) },
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
      }
    },
    ssr: { noExternal: true }
  })
}

async function runAll(folder: string, seeds: Seeds): Promise<Counts> {
  const count = Math.min(availableParallelism(), Math.max(1, seeds.count))
  const control = new Int32Array(new SharedArrayBuffer(8))
  const current = new Int32Array(new SharedArrayBuffer(4 * count))
  const jobUrl = pathToFileURL(join(folder, 'job.mjs')).href
  const workers = Array.from({ length: count }, (_, worker) => {
    const workerData: WorkerInit = { jobUrl, seeds, control, current, worker }
    return new Worker(pathToFileURL(join(folder, 'worker.mjs')), { workerData })
  })
  const watch = watchProgress(seeds, control)
  const hang = watchHangs(seeds, current)
  try {
    const results = Promise.all(workers.map(resultOf))
    // Of several failures at once one is thrown.
    results.catch(() => {})
    return sum(await Promise.race([results, hang.promise]))
  } finally {
    Atomics.store(control, STOP, 1)
    hang.stop()
    clearInterval(watch)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function sum(results: readonly FromWorker[]): Counts {
  const total: Counts = {}
  for (const result of results) {
    if (result.type === 'failed') {
      const error = new Error(result.message)
      error.stack = result.stack
      throw error
    }
    add(total, result.counts)
  }
  return total
}

function resultOf(worker: Worker): Promise<FromWorker> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`A worker ended with code ${code} and said nothing`)))
  })
}

function watchProgress({ count }: Seeds, control: Int32Array): NodeJS.Timeout {
  const start = Date.now()
  return setInterval(() => {
    const done = Math.min(count, Atomics.load(control, NEXT))
    console.info(`${done} of ${count} after ${Math.round((Date.now() - start) / 1_000)} s`)
  }, PROGRESS_MS)
}

/** Rejects when a worker stays at one run for too long. */
function watchHangs({ base }: Seeds, current: Int32Array): { promise: Promise<never>; stop: () => void } {
  let last = [...current]
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const now = [...current]
      const stuck = now.find((index, worker) => index !== ENDED && index === last[worker])
      if (stuck != null) reject(new Error(`A run did not end within ${HANG_MS} ms: seed ${base + stuck} hangs`))
      last = now
    }, HANG_MS)
  })
  return { promise, stop: () => clearInterval(timer) }
}
