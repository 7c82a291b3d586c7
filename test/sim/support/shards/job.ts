/** What happened, by name; summed over all runs. */
export type Counts = Record<string, number>

/** What a job module exports: one run, decided by its seed alone. Throws when something does not hold. */
export interface Job {
  run(seed: number): Counts
}

export function add(total: Counts, more: Counts): void {
  for (const [name, count] of Object.entries(more)) total[name] = (total[name] ?? 0) + count
}

/** From where on, and how many, one after the other. */
export interface Seeds {
  readonly base: number
  readonly count: number
}

export interface WorkerInit {
  readonly jobUrl: string
  readonly seeds: Seeds
  /** Shared by all workers: the next run nobody has taken, and whether to stop. */
  readonly control: Int32Array
  /** The run each worker is at: of a hang nothing else is left. */
  readonly current: Int32Array
  readonly worker: number
}

export const NEXT = 0
export const STOP = 1

export type FromWorker =
  | { readonly type: 'done'; readonly counts: Counts }
  | { readonly type: 'failed'; readonly seed: number; readonly message: string; readonly stack: string | undefined }

/** In place of the run a worker is at. */
export const ENDED = -1
