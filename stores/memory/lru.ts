/** A map that holds at most `max` entries: the one that was not used for longest goes first. */
export interface Lru<V> {
  get: (key: string) => V | undefined
  set: (key: string, value: V) => void
  delete: (key: string) => void
}

export function createLru<V> (max: number): Lru<V> {
  // A Map iterates in order of insertion: what is used is inserted anew.
  const entries = new Map<string, V>()
  return {
    get (key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set (key, value) {
      entries.delete(key)
      entries.set(key, value)
      const [oldest] = entries.keys()
      if (entries.size > max && oldest !== undefined) entries.delete(oldest)
    },
    delete (key) {
      entries.delete(key)
    }
  }
}
