import { fuzz } from '../../sim/support/fuzz.ts'
import { INPUTS, run } from './fuzz-decoder.ts'

fuzz({
  name: 'the decoder under hostile bytes',
  claim: 'answers with frames, or with named errors, and the same however they are split',
  job: new URL('./fuzz-decoder.ts', import.meta.url),
  inputsPerRun: INPUTS,
  replay: run
})
