/** Rules broken on purpose, to see that the simulations notice: `npm run test:soak -- mutations`. */
import { LINK_MUTATIONS } from './link.ts'
import type { Mutation } from './mutation.ts'
import { SESSION_MUTATIONS } from './session.ts'

export type { Mutation } from './mutation.ts'

export const MUTATIONS: readonly Mutation[] = [...SESSION_MUTATIONS, ...LINK_MUTATIONS]

/** The text with its rule broken. @throws {Error} the passage is not there exactly once */
export function mutate(text: string, { breaks, file, find, replace }: Mutation): string {
  const parts = text.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(
    `'${breaks}': its passage stands in ${file} ${parts.length - 1} times, not once. Find the rule's new place, and name it in test/mutations:\n${find}`
  )
}
