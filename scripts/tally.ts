/** What one phase of the tests came to. */
export interface Tally {
  passed: number
  failed: number
  skipped: Array<{ name: string; reason: string }>
}

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: [...a.skipped, ...b.skipped]
})

export const nothing: Tally = { passed: 0, failed: 0, skipped: [] }

interface PlaywrightSuite {
  suites?: PlaywrightSuite[]
  specs?: Array<{ file: string; title: string; tests: PlaywrightTest[] }>
}

interface PlaywrightTest {
  projectName: string
  status: 'expected' | 'unexpected' | 'flaky' | 'skipped'
  annotations: Array<{ type: string; description?: string }>
  results: unknown[]
}

/** Read the report of Playwright's json reporter. */
export function fromPlaywright(report: PlaywrightSuite & { errors?: unknown[] }): Tally {
  const tally: Tally = { passed: 0, failed: report.errors?.length ?? 0, skipped: [] }
  const visit = (suite: PlaywrightSuite): void => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status === 'expected') tally.passed++
        else if (test.status !== 'skipped') tally.failed++
        else {
          const note = test.annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description
          tally.skipped.push({
            name: `${spec.file} > ${spec.title} (${test.projectName})`,
            reason: note ?? (test.results.length === 0 ? 'it never ran, see the failure before it' : 'no reason given')
          })
        }
      }
    }
    for (const inner of suite.suites ?? []) visit(inner)
  }
  visit(report)
  return tally
}

/** The very last line of `npm test`. */
export function lastLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
}
