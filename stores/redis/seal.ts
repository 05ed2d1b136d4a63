import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

/** Tells frames of our nodes from those of anybody else who may publish on this Redis. */
export interface Seal {
  /** Takes the key that all nodes of one database share. Until then nothing can be sealed and nothing opens. */
  use: (key: Buffer) => void
  /** The text with a tag that holds on this channel only. @throws Error without a key */
  wrap: (channel: string, text: string) => string
  /** The text, or undefined if no node of ours sealed it for this channel. Never throws. Says nothing of when: an old frame opens too. */
  open: (channel: string, frame: string) => string | undefined
}

/** 128 bits in base64url. */
const TAG_LENGTH = 22

export function createSeal (first?: Buffer): Seal {
  let key = first && createSecretKey(first)
  const tagOf = (channel: string, text: string) =>
    createHmac('sha256', key!).update(`${channel}\n${text}`).digest('base64url').slice(0, TAG_LENGTH)

  return {
    use (given) { key = createSecretKey(given) },
    wrap (channel, text) {
      if (key === undefined) throw new Error('The key of the nodes is not known yet')
      return tagOf(channel, text) + text
    },
    open (channel, frame) {
      if (key === undefined || frame.length < TAG_LENGTH) return undefined
      const text = frame.slice(TAG_LENGTH)
      const [given, right] = [Buffer.from(frame.slice(0, TAG_LENGTH)), Buffer.from(tagOf(channel, text))]
      return given.length === right.length && timingSafeEqual(given, right) ? text : undefined
    }
  }
}
