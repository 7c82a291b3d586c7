import { parentPort, workerData } from 'node:worker_threads'
import { add, type Counts, ENDED, type FromWorker, type Job, NEXT, STOP, type WorkerInit } from './job.ts'

// Applications meet errors by the thousand here. Whoever needs a stack replays the seed.
Error.stackTraceLimit = 0

const { jobUrl, seeds, control, current, worker } = workerData as WorkerInit
const { run } = (await import(/* @vite-ignore */ jobUrl)) as Job

function work(): FromWorker {
  const counts: Counts = {}
  while (Atomics.load(control, STOP) === 0) {
    const index = Atomics.add(control, NEXT, 1)
    if (index >= seeds.count) break
    Atomics.store(current, worker, index)
    const seed = seeds.base + index
    try {
      add(counts, run(seed))
    } catch (err) {
      Atomics.store(control, STOP, 1)
      const { message, stack } = err instanceof Error ? err : new Error(String(err))
      return { type: 'failed', seed, message, stack }
    }
  }
  return { type: 'done', counts }
}

const result = work()
Atomics.store(current, worker, ENDED)
parentPort!.postMessage(result)
