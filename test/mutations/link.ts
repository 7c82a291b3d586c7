import type { Mutation } from './mutation.ts'

export const LINK_MUTATIONS: readonly Mutation[] = [
  {
    breaks: 'count the budget once: each direction has all that is left',
    file: 'src/path/budget.ts',
    find: 'return SETUP_BYTES + Math.max(counted, ownBytes)',
    replace: 'return SETUP_BYTES + Math.max(counted, ownBytes) / 2'
  },
  {
    breaks: "take a relay's milliseconds for seconds",
    file: 'src/path/budget.ts',
    find: 'const saysMs = advertised >= SECONDS_AT_MOST && ',
    replace: 'const saysMs = false && '
  },
  {
    breaks: 'use a direct path before it answered',
    file: 'src/link/link.step.ts',
    find: 'proven: false,',
    replace: 'proven: true,'
  },
  {
    breaks: 'call a path dead though the peer is heard nowhere else',
    file: 'src/path/health.step.ts',
    find: 'if (now >= deadAt && heardElsewhere) {',
    replace: 'if (now >= deadAt) {'
  },
  {
    breaks: "take our own process's sleep for silence",
    file: 'src/link/link.step.ts',
    find: 'this.#notBefore = now',
    replace: ''
  },
  {
    breaks: 'call a path dead at the first look, as soon as another is heard after a pause',
    file: 'src/link/link.step.ts',
    find: 'const sureAt = path.doomedAt + SECOND_LOOK_MS',
    replace: 'const sureAt = now - 10_000'
  },
  {
    breaks: 'notice no stall when something else comes before the timer',
    file: 'src/link/stall.step.ts',
    find: 'if (lateMs <= TIMER_GAP_MS) return false',
    replace: 'return false'
  },
  {
    breaks: 'renew a circuit at its end, not before',
    file: 'src/path/renewal.step.ts',
    find: 'return threshold(limitMs, MS)',
    replace: 'return 0 * threshold(limitMs, MS)'
  },
  {
    breaks: 'renew a circuit once only',
    file: 'src/link/link.step.ts',
    find: 'if (!isDirect(path) || opener === this.#init.side) this.#renewal.over()',
    replace: ''
  },
  {
    breaks: 'leave a path before the one that replaces it has answered, and that one too',
    file: 'src/link/relayed.step.ts',
    find: 'const isReplaced = path.opener === staying.opener',
    replace:
      "const isReplaced = true\n    if (staying.opener === side) yield { type: 'leave', path: staying, cause: 'broken' }"
  },
  {
    breaks: 'give up before the resume window ends',
    file: 'src/link/link.step.ts',
    find: 'if (now >= this.#state.deadline) {',
    replace: 'if (now >= this.#state.deadline - 5_000) {'
  },
  {
    breaks: 'wait beyond the resume window',
    file: 'src/link/link.step.ts',
    find: 'if (now >= this.#state.deadline) {',
    replace: 'if (now >= this.#state.deadline + 5_000) {'
  },
  {
    breaks: 'redial no more after one failure',
    file: 'src/link/link.step.ts',
    find: 'this.#redialing = false\n        this.#redials++',
    replace: 'this.#redials++'
  },
  {
    breaks: 'leave the relayed path that stays as well',
    file: 'src/link/relayed.step.ts',
    find: 'for (const path of others) {',
    replace: 'for (const path of [staying, ...others]) {'
  },
  {
    breaks: 'look for a direct path no more after one failure',
    file: 'src/link/upgrade.step.ts',
    find: 'this.#failures++\n    this.#wait(',
    replace: 'this.#failures++\n    void ('
  },
  {
    breaks: 'be silent about an outage of all paths',
    file: 'src/link/link.step.ts',
    find: 'if (active == null || silentSince != null) {',
    replace: 'if (active == null) {'
  }
]
