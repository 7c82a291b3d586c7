// What a process has done, as Linux counts it.
import { readFileSync } from 'node:fs'

export interface RelayWork {
  /** From its sockets, mostly: it reads no files once it runs. Zero where there is no `/proc`. */
  readonly readBytes: number
  readonly cpuMs: number
}

const TICK_MS = 10

export function workOf(pid: number): RelayWork {
  const readBytes = Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  // The name of the program, in parentheses, may have spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  return { readBytes, cpuMs: (userTicks + systemTicks) * TICK_MS }
}
