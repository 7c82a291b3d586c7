import { campaign } from './support/campaign.ts'
import { runSchedule } from './support/run-schedule.ts'

campaign({
  name: 'two session cores over paths that come, go, freeze and lie',
  claim: 'keep every invariant',
  job: new URL('./support/session-job.ts', import.meta.url),
  fixedBase: 1_000_000,
  schedules: Number(process.env.HOLDFAST_SCHEDULES ?? 20_000),
  replay: (seed) => runSchedule(seed, process.env.HOLDFAST_TRACE === '1')
})
