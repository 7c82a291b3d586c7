/** Runs something once at the end of the current round of events, however often it was asked for until then. */
export interface EndOfTask {
  schedule(): void
  stop(): void
}

/**
 * Not by a timer: browsers hold those back in hidden tabs, to one per second and later one per minute, and the peer would
 * wait that long for every acknowledgement. Node runs an immediate after all sockets that had data were read; a message to
 * oneself is a browser's task behind those that are queued already.
 */
export function endOfTask(run: () => void): EndOfTask {
  return typeof globalThis.setImmediate === 'function' ? byImmediate(run) : byMessage(run)
}

function byImmediate(run: () => void): EndOfTask {
  let pending: NodeJS.Immediate | undefined
  return {
    schedule() {
      pending ??= setImmediate(() => {
        pending = undefined
        run()
      })
    },
    stop() {
      if (pending != null) clearImmediate(pending)
      pending = undefined
    }
  }
}

/** Exported for tests in Node. */
export function byMessage(run: () => void): EndOfTask {
  let status: 'idle' | 'pending' | 'stopped' = 'idle'
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    if (status !== 'pending') return
    status = 'idle'
    run()
  }
  return {
    schedule() {
      if (status !== 'idle') return
      status = 'pending'
      port2.postMessage(undefined)
    },
    stop() {
      status = 'stopped'
      port1.close()
    }
  }
}
