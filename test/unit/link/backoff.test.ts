import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src/link/backoff.step.ts'
import { Upgrade } from '../../../src/link/upgrade.step.ts'

const limits = { firstMs: 1_000, maxMs: 300_000 }

describe('backoff', () => {
  it('doubles its cap from the first to the greatest', () => {
    const caps = [1, 2, 3, 9, 10, 1_000].map((failures) => backoffMs(failures, limits, () => 1))
    expect(caps).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000])
  })

  it('is uniform below the cap', () => {
    expect(backoffMs(3, limits, () => 0)).toBe(0)
    expect(backoffMs(3, limits, () => 0.5)).toBe(2_000)
  })
})

describe('the search for a direct path', () => {
  it('waits longer after each failure, and counts from the start after success', () => {
    const upgrade = new Upgrade()
    const waits: number[] = []
    for (let i = 0; i < 3; i++) {
      upgrade.start()
      upgrade.failed(0, () => 1)
      waits.push(upgrade.retryAt!)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000])
    upgrade.succeeded()
    upgrade.start()
    upgrade.failed(0, () => 1)
    expect(upgrade.retryAt).toBe(1_000)
  })

  it('gives the first attempt 4 s, and each after a failure twice as long, up to the bound', () => {
    const upgrade = new Upgrade()
    const bounds: number[] = []
    for (let i = 0; i < 3; i++) {
      bounds.push(upgrade.timeoutMs(10_000))
      upgrade.start()
      upgrade.failed(0, () => 1)
    }
    expect(bounds).toEqual([4_000, 8_000, 10_000])
    expect(new Upgrade().timeoutMs(1_000)).toBe(1_000)
  })

  it('is due again exactly when the backoff ends', () => {
    const upgrade = new Upgrade()
    upgrade.start()
    upgrade.failed(100, () => 1)
    expect(upgrade.isDue(1_099)).toBe(false)
    expect(upgrade.isDue(1_100)).toBe(true)
  })

  it('does not wait after a network change', () => {
    const upgrade = new Upgrade()
    upgrade.start()
    upgrade.failed(0, () => 1)
    upgrade.retryNow()
    expect(upgrade.isDue(0)).toBe(true)
  })

  it('never starts once forbidden', () => {
    const upgrade = new Upgrade()
    upgrade.forbid('policy')
    upgrade.retryNow()
    upgrade.succeeded()
    expect(upgrade.isDue(1e9)).toBe(false)
    expect(upgrade.status).toEqual({ status: 'never', reason: 'policy' })
  })

  it('is quarantined when direct paths die three times within a minute: 5 s, then doubling', () => {
    const upgrade = new Upgrade()
    const waits: Array<number | undefined> = []
    for (const at of [0, 10_000, 20_000, 30_000]) {
      upgrade.pathDied(at)
      waits.push(upgrade.retryAt == null ? undefined : upgrade.retryAt - at)
      upgrade.succeeded()
    }
    expect(waits).toEqual([undefined, undefined, 5_000, 10_000])
  })

  it('is not quarantined by deaths that are minutes apart', () => {
    const upgrade = new Upgrade()
    for (const at of [0, 40_000, 80_000, 120_000]) upgrade.pathDied(at)
    expect(upgrade.retryAt).toBeUndefined()
  })
})
