import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // It ended in the meantime, or belongs to somebody else.
    return undefined
  }
}

/** Running processes of whose command line this is a part. */
export function commandsWith(text: string): string[] {
  return processes().filter((pid) => attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.includes(text))
}

/** Processes in this network namespace, or with a hold on it: nobody, once it is gone. */
export function holdersOf(namespace: string): string[] {
  return processes().filter((pid) => {
    const fds = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []
    return ['ns/net', ...fds.map((fd) => `fd/${fd}`)].some(
      (name) => attempt(() => readlinkSync(`/proc/${pid}/${name}`)) === namespace
    )
  })
}

/** What of this machine a lab could have left a trace in, outside of itself. */
export function surroundings(): { interfaces: string[]; mounts: string[] } {
  return {
    interfaces: readdirSync('/sys/class/net').sort(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').sort()
  }
}
