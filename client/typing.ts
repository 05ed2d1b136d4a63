/** The server ends an indicator that is not repeated for so long, if it does not say otherwise. */
export const TYPING_TIMEOUT_MS = 3000

export interface Typing {
  /** A key was pressed: at each one, if you like. */
  press: () => void
  /** The text is gone, or sent. */
  stop: () => void
  /** The connection is another one: nobody sees us type there. */
  forget: () => void
}

/**
 * Says that we type as seldom as will do: twice in the time after which the server would not believe it any more.
 * @param say tells the server; resolves with how long to be silent because it was asked too often, 0 otherwise. Never rejects
 */
export function createTyping (say: (isTyping: boolean) => Promise<number>, timeoutMs: () => number, now = Date.now): Typing {
  let saidAt = -Infinity
  let silentUntil = -Infinity

  return {
    press () {
      const time = now()
      if (time < silentUntil || time - saidAt < timeoutMs() / 2) return
      saidAt = time
      say(true).then(silentMs => { silentUntil = now() + silentMs })
    },
    stop () {
      const isSeen = now() - saidAt < timeoutMs()
      saidAt = -Infinity
      if (isSeen) say(false)
    },
    forget () { saidAt = -Infinity }
  }
}
