import { report } from './errors.ts'

/** Ends a subscription. */
export type Unsubscribe = () => void

/**
 * Who wants to know that something changed. They are told after the change is whole, once for all that changed in one turn,
 * and read what they want by themselves: the shape of React's useSyncExternalStore. One that throws disturbs no other.
 */
export function createListeners () {
  const listeners = new Set<{ tell: () => void }>()
  let isDue = false

  function tellAll () {
    isDue = false
    for (const { tell } of [...listeners]) {
      try {
        tell()
      } catch (error) {
        report(error)
      }
    }
  }

  return {
    subscribe (tell: () => void): Unsubscribe {
      const listener = { tell }
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    notify () {
      if (isDue || listeners.size === 0) return
      isDue = true
      queueMicrotask(tellAll)
    }
  }
}
