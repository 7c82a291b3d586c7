// What WebKitGTK needs around it: a display without a screen, and the driver. Both die with this process.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Readable } from 'node:stream'
import { missingForWebKitGtk } from '../../../../scripts/browsers.ts'

/** The reason to skip a test with, or undefined where WebKitGTK can be driven. */
export function whyNoWebKitGtk(): string | undefined {
  const missing = missingForWebKitGtk()
  return missing.length === 0 ? undefined : `WebKitGTK is not installed: apt-get install ${missing.join(' ')}`
}

type Child = ChildProcessByStdio<null, Readable, null>

/** A program in a process group of its own: its children go with it. */
function start(command: string, args: string[], env: NodeJS.ProcessEnv): { child: Child; stop: () => Promise<void> } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true, env })
  const exited = once(child, 'exit')
  const kill = (): void => {
    try {
      if (child.pid != null) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // The whole group has ended.
    }
  }
  process.once('exit', kill)
  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    kill()
    await exited
  }
  return { child, stop }
}

/** A display in memory; resolves with its name, like `:1`. */
export async function startDisplay(): Promise<{ name: string; stop: () => Promise<void> }> {
  const args = ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp']
  const { child, stop } = start('Xvfb', args, process.env)
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`Xvfb ended with code ${code}`)
  })
  const [number] = await Promise.race([once(child.stdout, 'data'), ended])
  return { name: `:${String(number).trim()}`, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address == null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}

export async function startDriver(display: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort()
  const { stop } = start('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
    ...process.env,
    DISPLAY: display,
    GDK_BACKEND: 'x11',
    // People's browsers have a language; that of containers, C, is none, and Intl refuses it.
    LANG: 'en_US.UTF-8',
    LC_ALL: 'en_US.UTF-8',
    // Its sandbox wants namespaces of its own, which containers refuse; the pages are the project's.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    LIBGL_ALWAYS_SOFTWARE: '1',
    NO_AT_BRIDGE: '1'
  })
  return { url: `http://127.0.0.1:${port}`, stop }
}
