import { LabUnavailableError } from './errors.ts'
import { createLab } from './lab.ts'

let answer: Promise<string | undefined> | undefined

async function tryOut(): Promise<string | undefined> {
  try {
    const lab = await createLab()
    try {
      await lab.host()
    } finally {
      await lab.close()
    }
  } catch (error) {
    if (error instanceof LabUnavailableError) return error.message
    throw error
  }
}

/**
 * Why there can be no lab on this machine, as a sentence with the remedy; undefined if there can. Tried out once, with a
 * small lab, in about 0.1 s: `describe.skipIf((await whyNoLab()) != null)`.
 */
export function whyNoLab(): Promise<string | undefined> {
  answer ??= tryOut()
  return answer
}
