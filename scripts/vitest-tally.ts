// A vitest reporter for scripts/test.ts: unlike vitest's own JSON it says why a test was skipped.
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import type { Tally } from './tally.ts'

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: [] }
    for (const module of modules) {
      // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
      tally.failed += module.errors().length
      for (const suite of module.children.allSuites()) tally.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') tally.passed++
        else if (result.state === 'failed') tally.failed++
        else tally.skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: skipReason(result) })
      }
    }
    writeFileSync(process.env.HOLDFAST_TALLY ?? 'tally.json', JSON.stringify(tally))
  }
}

function skipReason(result: { state: string; note?: string }): string {
  return result.note ?? (result.state === 'pending' ? 'it never ran' : 'no reason given')
}
