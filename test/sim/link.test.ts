import { campaign } from './support/campaign.ts'
import { LinkWorld } from './support/link/link-world.ts'

campaign({
  name: 'two link machines with their sessions, through two minutes of bad weather',
  claim: 'agree, are on the best path and have all bytes',
  job: new URL('./support/link-job.ts', import.meta.url),
  fixedBase: 2_000_000,
  schedules: Math.ceil(Number(process.env.HOLDFAST_SCHEDULES ?? 20_000) / 10),
  replay: (seed) => new LinkWorld(seed, true).run()
})
