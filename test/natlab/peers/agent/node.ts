// A peer without a page: this process itself, with the same globals as the test page has.
import { registerHooks } from 'node:module'
import { runInThisContext } from 'node:vm'
import type { Runtime } from './runtime.ts'

export async function start(): Promise<Runtime> {
  // `Person` is written for pages; what it means here is the package's door for Node.
  registerHooks({ resolve: (name, context, next) => next(name.replace(/\/index\.browser\.ts$/, '/index.ts'), context) })
  return {
    async open({ stock, globals }) {
      const people = stock ? import('../stock/person.ts') : import('../../../browser/support/page/person.ts')
      Object.assign(globalThis, globals, await people)
      return {
        evaluate: (expression) => runInThisContext(expression),
        // What goes wrong by itself ends the process, and with it every question.
        errors: async () => [],
        close: async () => {}
      }
    },
    stop: async () => {}
  }
}
