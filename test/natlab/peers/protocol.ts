// What a test asks an agent over IPC. Everything is JSON: functions travel as text.

export type PeerKind = 'chromium' | 'firefox' | 'webkit' | 'node'

/** A built page, all of it text. */
export interface Site {
  name: string
  /** By path, `/index.html` among them. */
  files: Record<string, string>
}

export interface Opening {
  /** The page; without one, that of `site`. Node peers have none. */
  url?: string
  /** Served by the agent on the loopback of its host. */
  site?: Site
  /** js-libp2p alone. */
  stock: boolean
  /** What is found as globals before anything else runs. */
  globals: Record<string, unknown>
}

export interface Evaluation {
  page: number
  /** Text of a function. */
  source: string
  /** JSON; missing for undefined. */
  argument?: string
}

/** What became of a function: its result, missing for undefined, or what it threw in words. */
export interface Outcome {
  value?: unknown
  error?: string
}

export interface Question {
  /** Answered with the number of the page. */
  open: Opening
  /** Answered with an `Outcome` as JSON. */
  evaluate: Evaluation
  /** Answered with what went wrong on the page by itself. */
  errors: number
  close: number
  stop: undefined
}

export interface Answer {
  open: number
  evaluate: string
  errors: string[]
  close: undefined
  stop: undefined
}

export interface Asked {
  id: number
  name: keyof Question
  argument: unknown
}

export interface Answered {
  id: number
  result?: unknown
  /** The stack of what was thrown. */
  error?: string
}

/** Sent once, when the agent takes questions, or when it cannot. */
export type Ready = { ready: true } | { ready: false; error: string }
