// A network of its own for tests: browsers find a usable interface, nothing leaves the machine, UDP can be cut, no root
// is needed and everything in it dies with the command.   node scripts/isolate.ts playwright test --project chromium
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from './processes.ts'

export interface Command {
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
}

// With `lo` alone browsers gather no ICE candidate: they want an interface with an address and a default route. A
// bridge without ports is one; a kernel without bridges may have dummies. The shell stays: as the first process it buries
// orphans, for whom namespaces below it (the network lab's) would wait for ever.
const setUp = `
ip link set lo up &&
{ ip link add name br0 type bridge 2>/dev/null || ip link add name br0 type dummy; } &&
ip addr add 10.97.0.1/24 dev br0 && ip link set br0 up && ip route add default via 10.97.0.2 || exit 125
"$@"
exit $?`

// A user namespace makes anybody root inside; where those are forbidden, root can do without.
const ways: string[][] = [
  ['-Urnm', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...(process.getuid?.() === 0 ? [['-nm', '--pid', '--fork', '--kill-child', '--mount-proc']] : [])
]

// `ip` and `nft` live in sbin, which is not on everybody's PATH.
const path = [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter)

/** Inside everybody is user 0, and programs name temporary files after that: keep users apart who share a machine. */
function ownTemporaryFolder(): string {
  const uid = process.getuid?.() ?? 0
  if (uid === 0) return tmpdir()
  const folder = join(tmpdir(), `holdfast-${uid}`)
  mkdirSync(folder, { recursive: true })
  return folder
}

let found: { way: string[] } | { reason: string } | undefined

function findWay(): { way: string[] } | { reason: string } {
  if (process.platform !== 'linux')
    return { reason: `network namespaces exist on Linux only, this is ${process.platform}` }
  let reason = ''
  for (const way of ways) {
    const probe = spawnSync('unshare', [...way, 'sh', '-c', setUp, 'sh', 'true'], {
      env: { ...process.env, PATH: path },
      encoding: 'utf8'
    })
    if (probe.status === 0) return { way }
    reason = probe.error?.message ?? probe.stderr.trim().split('\n').at(-1) ?? ''
  }
  return { reason: `a network namespace could not be made (${reason})` }
}

/** The same command inside the namespace; where there is none, the command as it is, with the reason in its environment. */
export function isolated(command: string, args: string[] = []): Command {
  if (process.env.HOLDFAST_ISOLATED === '1') return { command, args, env: process.env }
  found ??= findWay()
  if ('reason' in found) {
    return { command, args, env: { ...process.env, HOLDFAST_NOT_ISOLATED: found.reason } }
  }
  return {
    command: 'unshare',
    args: [...found.way, 'sh', '-c', setUp, 'sh', command, ...args],
    env: { ...process.env, PATH: path, TMPDIR: ownTemporaryFolder(), HOLDFAST_ISOLATED: '1' }
  }
}

/** Why `isolated` has to run commands without a namespace, or undefined when it need not. */
export function whyNotIsolated(): string | undefined {
  return isolated('true').env.HOLDFAST_NOT_ISOLATED
}

if (import.meta.main) {
  const [command, ...args] = process.argv.slice(2)
  if (command == null) {
    console.error('Usage: node scripts/isolate.ts <command> [arguments]')
    process.exit(2)
  }
  const reason = whyNotIsolated()
  if (reason != null) console.log(`Without an isolated network: ${reason}`)
  const inside = isolated(command, args)
  const { code } = await run(inside.command, inside.args, { env: inside.env, timeoutMs: 2 ** 31 - 1 })
  process.exit(code)
}
