// What the kernel does to pages when memory runs out: they end without a word, and the browser lives on. Linux only.
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Name of the variable that marks a browser started with it in its environment. */
export const MARK = 'HOLDFAST_MARK'

interface Process {
  pid: number
  parent: number
  command: string
  marked: boolean
}

/**
 * A Firefox that lives on when a page crashes, as users have it: Playwright's environment makes it shut down then. Returns
 * the program to launch, in this folder.
 */
export async function survivingFirefox(executablePath: string, folder: string): Promise<string> {
  const path = join(folder, 'firefox')
  await writeFile(path, `#!/bin/sh\nunset MOZ_CRASHREPORTER_SHUTDOWN\nexec '${executablePath}' "$@"\n`, { mode: 0o755 })
  return path
}

/** Ends every page of the browser with this mark, the one kept ready for the next tab included. Returns their processes. */
export function killPages(mark: string): number[] {
  const processes = allProcesses().flatMap((pid) => read(pid, mark))
  const byPid = new Map(processes.map((process) => [process.pid, process]))
  // Chromium's renderers overwrite their environment: their ancestors keep it.
  const isMarked = (process: Process | undefined): boolean =>
    process != null && (process.marked || isMarked(byPid.get(process.parent)))
  const pages = processes
    .filter(({ command }) => /--type=renderer |-contentproc .* tab$/.test(command))
    .filter(isMarked)
  for (const { pid } of pages) process.kill(pid, 'SIGKILL')
  return pages.map(({ pid }) => pid)
}

export const allProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

function read(pid: number, mark: string): Process[] {
  const text = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1')
  try {
    return [
      {
        pid,
        // After the name in parentheses: state, parent.
        parent: Number(/.*\) \S (\d+)/s.exec(text('stat'))?.[1]),
        command: text('cmdline').replaceAll('\0', ' ').trim(),
        marked: text('environ').split('\0').includes(`${MARK}=${mark}`)
      }
    ]
  } catch {
    // It has ended meanwhile, or is somebody else's.
    return []
  }
}
