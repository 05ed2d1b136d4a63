const MAX_BATCH = 1000
/** After a batch, for each entry in it: the more have come together, the longer the next ones gather, so that a storm takes few statements. */
const REST_MS = 4
const MAX_REST_MS = 400

interface Batch<T, R> { entries: T[], done: Promise<R[]> }

/** Writes together what comes while the write before is under way. `write` answers in the order of the entries; its failure is that of its batch alone. */
export function gather<T, R> (write: (entries: T[]) => Promise<R[]>) {
  let open: Batch<T, R> | undefined
  let writing: Promise<unknown> = Promise.resolve()
  let restsUntil = 0

  /** A batch takes entries in until the one before it is written and the rest after it is over. */
  function begin (): Batch<T, R> {
    const batch: Batch<T, R> = { entries: [], done: Promise.resolve([]) }
    batch.done = writing.then(() => rest(batch)).then(() => {
      if (open === batch) open = undefined
      restsUntil = performance.now() + Math.min(MAX_REST_MS, batch.entries.length * REST_MS)
      return write(batch.entries)
    })
    // Who waits for it hears of a failure; the next batch has its own chance.
    writing = batch.done.catch(() => {})
    return batch
  }

  async function rest (batch: Batch<T, R>) {
    const left = restsUntil - performance.now()
    if (left > 0 && batch.entries.length < MAX_BATCH) await new Promise(resolve => { setTimeout(resolve, left) })
  }

  return async function join (entry: T): Promise<R> {
    if (open === undefined || open.entries.length >= MAX_BATCH) open = begin()
    const batch = open
    const index = batch.entries.push(entry) - 1
    return (await batch.done)[index]!
  }
}
