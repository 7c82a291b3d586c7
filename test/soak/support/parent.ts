// Commands from a test to a program it started: names and JSON, over Node's IPC.

// biome-ignore lint/suspicious/noExplicitAny: each command knows its argument
export type Commands = Record<string, (argument: any) => Promise<unknown>>

export interface Asked {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

export interface Answered {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** Until the parent disconnects; nothing here keeps the process alive after that. */
export function serveParent(commands: Commands): void {
  process.on('message', async ({ id, name, argument }: Asked) => {
    const answer = (answered: Omit<Answered, 'id'>): void => void process.send?.({ id, ...answered })
    try {
      answer({ result: await commands[name]!(argument) })
    } catch (err) {
      answer({ error: (err as Error).stack ?? String(err) })
    }
  })
}
