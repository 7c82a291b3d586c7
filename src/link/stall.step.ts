import type { PathStats } from '../session/index.ts'
import { TIMER_GAP_MS, WAKING_MS } from './config.ts'

/**
 * Whether this process did not run, when its timer is late by this much and something else came first. What was read in
 * between tells of held-up timers only, as hidden pages have them.
 */
export function wasStalled(lateMs: number, stats: readonly PathStats[], now: number): boolean {
  if (lateMs <= TIMER_GAP_MS) return false
  return !stats.some(({ lastHeardAt }) => lastHeardAt > now - lateMs && lastHeardAt < now - WAKING_MS)
}
