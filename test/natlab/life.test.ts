import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/wait-for.ts'
import { createLab, type Host, type Lab, LabClosedError, LabError, whyNoLab } from './index.ts'
import { commandsWith, holdersOf, surroundings } from './support/left-over.ts'

const reason = await whyNoLab()
if (reason != null) console.log(`Skipped: ${reason}`)

/** A name no other process has: what sleeps so many seconds is ours. */
const uniqueSeconds = (): string => `${10_000 + Math.floor(Math.random() * 1e6)}.${process.pid}`

async function output(child: ChildProcess): Promise<string> {
  return ((await child.stdout?.toArray()) ?? []).join('')
}

describe.skipIf(reason != null)('programs in a host', () => {
  let lab: Lab
  let host: Host
  beforeAll(async () => {
    lab = await createLab()
    host = await lab.host({ name: 'alice' })
  })
  afterAll(() => lab.close())

  const shell = (script: string) => host.spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })

  it('have streams, an environment, a folder and an exit code', async () => {
    const child = host.spawn('sh', ['-c', 'read line; echo "$line $WORD $PWD"; exit 7'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { WORD: 'word' },
      cwd: '/usr'
    })
    child.stdin?.end('typed\n')
    const exit = once(child, 'exit')
    expect(await output(child)).toBe('typed word /usr\n')
    expect(await exit).toEqual([7, null])
  })

  it('get signals, and end by them', async () => {
    const child = shell('trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.05; done')
    const exit = once(child, 'exit')
    await once(child.stdout!, 'data')
    child.kill('SIGTERM')
    expect(await output(child)).toBe('caught\n')
    expect(await exit).toEqual([3, null])
    const other = shell('echo ready; exec sleep 1000')
    await once(other.stdout!, 'data')
    other.kill('SIGTERM')
    expect(await once(other, 'exit')).toEqual([null, 'SIGTERM'])
  })

  it('die when what spawn returned is killed with SIGKILL', async () => {
    const seconds = uniqueSeconds()
    const child = shell(`echo ready; exec sleep ${seconds}`)
    await once(child.stdout!, 'data')
    child.kill('SIGKILL')
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    await eventually('the command is dead too', () => commandsWith(seconds).length === 0)
  })

  it('talk over IPC', async () => {
    const child = host.spawn(process.execPath, ['-e', 'process.on("message", (m) => process.send(m + 1))'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    child.send(41)
    expect((await once(child, 'message'))[0]).toBe(42)
    const exit = once(child, 'exit')
    child.disconnect()
    expect(await exit).toEqual([0, null])
  })

  it('that do not exist exit with 127', async () => {
    const child = host.spawn('no-such-program', [], { stdio: ['ignore', 'ignore', 'pipe'] })
    const exit = once(child, 'exit')
    expect((await child.stderr?.toArray())?.join('')).toBe('natlab: no-such-program: No such file or directory\n')
    expect(await exit).toEqual([127, null])
  })

  it('see nothing of the machine: its interfaces, its processes, its name servers', async () => {
    const script =
      'ls /proc | grep -c "^[0-9]"; cut -d: -f1 /proc/net/dev | tail -n +3 | xargs; grep nameserver /etc/resolv.conf'
    const [count = '', interfaces, nameServer] = (await output(shell(script))).split('\n')
    expect(Number(count)).toBeLessThan(10)
    expect(interfaces).toBe('lo eth0')
    expect(nameServer).toBe('nameserver 127.0.0.1')
  })

  it('what cannot be had is refused with the reason', async () => {
    const other = await createLab()
    const nats = await Promise.all(Array.from({ length: 241 }, () => other.nat()))
    await expect(other.host()).rejects.toThrow('44.128.0.0/24 is full: 241 hosts and NATs fit in a segment')
    await expect(lab.host({ behind: nats[0] })).rejects.toThrow('This NAT is of another lab')
    await expect(host.changeAddress({ behind: nats[0] })).rejects.toThrow(LabError)
    await other.close()

    await expect(host.impair({ loss: 2 })).rejects.toThrow('loss is 2; it has to be from 0 to 1')
    await expect(lab.host({ impair: { delayMs: -1 } })).rejects.toThrow(RangeError)
    await expect(createLab({ publicPrefix: '10.0' })).rejects.toThrow("publicPrefix is '10.0'")
  })
})

describe.skipIf(reason != null)('TCP of the hosts', () => {
  it('controls congestion as was asked, at both ends, behind a NAT and at a new address', async () => {
    const lab = await createLab({ congestion: 'reno' })
    try {
      const server = await lab.host()
      const client = await lab.host({ behind: await lab.nat() })
      await client.changeAddress()
      const python = (host: Host, code: string) =>
        host.spawn('python3', ['-c', `import socket as s\n${code}\nprint(${ALGORITHM})`], {
          stdio: ['ignore', 'pipe', 'inherit']
        })
      const listening = python(server, `l = s.create_server(('', 80))\nprint('ready', flush=True)\nc, _ = l.accept()`)
      const served = output(listening)
      await once(listening.stdout!, 'data')
      expect(await output(python(client, `c = s.create_connection(('${server.address}', 80))`))).toBe('reno\n')
      expect(await served).toBe('ready\nreno\n')
    } finally {
      await lab.close()
    }
  })

  it('is refused by name if the kernel cannot do it', async () => {
    const lab = await createLab({ congestion: 'nonsense' })
    await expect(lab.host()).rejects.toThrow('TCP with nonsense')
    await lab.close()
  })
})

/** Of the socket `c`, in Python. */
const ALGORITHM = "c.getsockopt(s.IPPROTO_TCP, s.TCP_CONGESTION, 16).rstrip(b'\\0').decode()"

describe.skipIf(reason != null)('the end of a lab', () => {
  it('leaves nothing: no process, no namespace, no interface, no mount', async () => {
    const before = surroundings()
    const lab = await createLab()
    const host = await lab.host({ behind: await lab.nat() })
    const seconds = uniqueSeconds()
    const child = host.spawn(
      'sh',
      ['-c', `setsid sleep ${seconds} & readlink /proc/self/ns/net; exec sleep ${seconds}`],
      {
        stdio: ['ignore', 'pipe', 'inherit']
      }
    )
    const [first] = await once(child.stdout!.setEncoding('utf8'), 'data')
    const namespace = String(first).trim()
    expect(namespace).toMatch(/^net:\[\d+\]$/)
    await eventually('both sleep', () => commandsWith(`sleep\0${seconds}`).length === 2)
    expect(holdersOf(namespace).length).toBeGreaterThanOrEqual(3)

    await lab.close()
    expect(commandsWith(seconds)).toEqual([])
    expect(holdersOf(namespace)).toEqual([])
    expect(surroundings()).toEqual(before)
    expect(child.signalCode).toBe('SIGKILL')
    await lab.close()
    await expect(lab.host()).rejects.toThrow(LabClosedError)
    expect(() => host.spawn('true')).toThrow(LabClosedError)
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)('comes with its process: %s leaves nothing', async (signal) => {
    const before = surroundings()
    const seconds = uniqueSeconds()
    const owner = fork(join(import.meta.dirname, 'support/short-life.ts'), [seconds], { execPath: process.execPath })
    const [namespace] = (await once(owner, 'message')) as [string]
    await eventually('both sleep', () => commandsWith(`sleep\0${seconds}`).length === 2)
    expect(holdersOf(namespace).length).toBeGreaterThanOrEqual(3)
    const killedAtMs = performance.now()
    owner.kill(signal)
    await eventually(
      'nothing of the lab is left',
      () => commandsWith(seconds).length + holdersOf(namespace).length === 0
    )
    console.log(`nothing left ${(performance.now() - killedAtMs).toFixed(0)} ms after ${signal}`)
    expect(surroundings()).toEqual(before)
  })

  it('does not have to be waited for: a process that ends without closing its lab ends', () => {
    const index = join(import.meta.dirname, 'index.ts')
    const program = `const { createLab } = await import(${JSON.stringify(index)}); const lab = await createLab(); await lab.host()`
    const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 20_000,
      encoding: 'utf8'
    })
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  })
})

describe.skipIf(reason != null)('a machine that allows no lab', () => {
  const ask = `const { whyNoLab } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))}); console.log(await whyNoLab())`

  async function whyNot(command: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
    const [program = '', ...args] = [...command, process.execPath, '--input-type=module', '-e', ask]
    return (await output(spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] }))).trim()
  }

  const forbidden = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'

  it('says that python3 is missing', async () => {
    expect(await whyNot([], { PATH: '/nonexistent' })).toMatch(/^A network lab needs python3 on the PATH: install it/)
  })

  it('says that user namespaces are forbidden, and what to do', async () => {
    const drop = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all']
    const said = await whyNot(['unshare', '-Ur', 'sh', '-c', forbidden, 'sh', ...drop])
    expect(said).toMatch(
      /^There can be no network lab here: the kernel does not allow namespaces here \(.*\)\. Remedy: /
    )
    expect(said).toContain('sysctl user.max_user_namespaces=10000')
  })

  it('says that there is no tun device, and what to do', async () => {
    const hide = 'mount --bind /dev/null /dev/net/tun; exec "$@"'
    const said = await whyNot(['unshare', '-Urm', 'sh', '-c', hide, 'sh'])
    expect(said).toMatch(/^There can be no network lab here: \/dev\/net\/tun cannot be used .*modprobe tun/)
  })

  it('is none if its root can do without user namespaces', async () => {
    expect(await whyNot(['unshare', '-Ur', 'sh', '-c', forbidden, 'sh'])).toBe('undefined')
  })
})
