import { getEventListeners } from 'node:events'

/** Counts listeners on every event target that is still alive: nodes, connections, streams, AbortSignals. Call it first. */
export function countListeners(): { count(): number } {
  const targets = new Map<number, { readonly ref: WeakRef<EventTarget>; readonly types: Set<string> }>()
  const numbers = new WeakMap<EventTarget, number>()
  const collected = new FinalizationRegistry<number>((number) => targets.delete(number))
  let next = 0
  const { addEventListener } = EventTarget.prototype
  EventTarget.prototype.addEventListener = function (type: string, ...rest) {
    let number = numbers.get(this)
    if (number == null) {
      number = next++
      numbers.set(this, number)
      targets.set(number, { ref: new WeakRef(this), types: new Set() })
      collected.register(this, number)
    }
    targets.get(number)?.types.add(type)
    return addEventListener.call(this, type, ...(rest as [EventListener]))
  }
  return {
    count() {
      let listeners = 0
      for (const { ref, types } of targets.values()) {
        const target = ref.deref()
        if (target == null) continue
        for (const type of types) listeners += getEventListeners(target, type).length
      }
      return listeners
    }
  }
}
