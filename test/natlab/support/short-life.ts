// A process with a lab, for a test to kill: it says what is in the lab and waits.
import { once } from 'node:events'
import { createLab } from '../index.ts'

const lab = await createLab()
const host = await lab.host({ behind: await lab.nat() })
const name = process.argv[2]!
// One that left its parent's session behind, and one that hears nothing of the end of its parent.
const script = `setsid sleep ${name} & setsid sh -c 'trap "" TERM HUP INT; sleep ${name}; true' & readlink /proc/self/ns/net; wait`
const child = host.spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
const [namespace] = await once(child.stdout!.setEncoding('utf8'), 'data')
process.send?.(String(namespace).trim())
setInterval(() => {}, 60_000)
