import { fuzz } from '../../sim/support/fuzz.ts'
import { OPERATIONS, run } from './fuzz-operations.ts'

fuzz({
  name: 'a session under any commands and hostile frames',
  claim: 'stays within its bounds, and answers with named errors only',
  job: new URL('./fuzz-operations.ts', import.meta.url),
  inputsPerRun: OPERATIONS,
  replay: run
})
