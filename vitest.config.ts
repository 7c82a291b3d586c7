import { defineConfig } from 'vitest/config'

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node', ...extra }
})

// One file at a time where real processes and sockets are timed: two cores are not enough for more.
export default defineConfig({
  test: {
    projects: [
      project('unit', process.env.HOLDFAST_SOAK === 'full' ? { testTimeout: 3_600_000 } : {}),
      project('sim', { testTimeout: process.env.HOLDFAST_SOAK === 'full' ? 10_800_000 : 600_000 }),
      project('contract', { testTimeout: 60_000, fileParallelism: false }),
      project('integration', { testTimeout: 120_000, fileParallelism: false }),
      project('soak', {
        include: ['test/soak/*.test.ts'],
        exclude: process.env.HOLDFAST_SOAK === 'full' ? [] : ['test/soak/*.full.test.ts'],
        testTimeout: process.env.HOLDFAST_SOAK === 'full' ? 2_400_000 : 120_000,
        fileParallelism: false
      }),
      project('natlab', { include: ['test/natlab/*.test.ts'], testTimeout: 60_000, fileParallelism: false }),
      project('lab', {
        include: ['test/natlab/scenarios/**/*.test.ts'],
        testTimeout: 90_000,
        hookTimeout: 60_000,
        fileParallelism: false
      })
    ]
  }
})
