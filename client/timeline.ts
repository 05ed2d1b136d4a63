import type { MessageDeleted, MessageHistory } from '../schemas/events.ts'
import type { Message, MessagePage } from '../schemas/messages.ts'

export interface TimelineSize {
  /** messages that are kept */
  window: number
  /** messages that may be kept besides while somebody has scrolled back */
  scrollback: number
}

/** What a live change was: the next one, one that is known, or one before which something is missing. */
export type Step = 'next' | 'known' | 'gap'

type Deletion = Pick<MessageDeleted, 'messageId' | 'seq' | 'rev' | 'deletedAt'>

/** Before the first history: no `rev` is the next one. */
const NOWHERE = -2

/**
 * The messages of a cafe as one client holds them: a fold of history, live changes and older pages. Messages lie in the order of
 * `seq`, each once, in the newest state that was heard. No IO.
 *
 * A class, though nobody asks what it is an instance of: each change passes here, and functions that every cafe makes anew for itself
 * take three times as long.
 */
export class Timeline {
  private readonly window: number
  private readonly scrollback: number
  /** How much more than allowed is kept before the oldest go, so that not each new message moves all others. */
  private readonly slack: number
  private list: Message[] = []
  /** `seq` of the newest one */
  private last = 0
  /** how many there may be now */
  private limit: number
  /** and from how many on the oldest go */
  private most: number
  private rev = NOWHERE
  private isWhole = false
  private snapshot: readonly Message[] | undefined
  // While older ones are being loaded: changes of messages that are not here. The page may be older than they are.
  private outside: Map<string, Message | Deletion> | undefined
  private askedAt = 0

  constructor ({ window, scrollback }: TimelineSize) {
    this.window = window
    this.scrollback = scrollback
    this.slack = Math.max(16, window >> 2)
    this.limit = window
    this.most = window + this.slack
  }

  /** What `join:cafe` answers with. Without `recovered` it replaces everything. */
  takeHistory ({ messages, rev, recovered }: Pick<MessageHistory, 'messages' | 'rev' | 'recovered'>) {
    const isFresh = recovered !== true
    if (isFresh) {
      this.list = []
      this.last = 0
      this.allow(this.window)
      this.isWhole = false
      this.snapshot = undefined
      this.outside = undefined
    }
    for (const message of messages.toReversed()) this.lay(message)
    this.rev = isFresh ? rev : Math.max(this.rev, rev)
  }

  /** A live `message:new` or `message:updated`. Also one after a gap is laid in; the position stays before the gap. */
  put (message: Message, rev: number): Step {
    if (rev <= this.rev) return 'known'
    const { seq } = message
    // As `lay`, and written out for the same reason as the class.
    if (seq > this.last) {
      this.last = seq
      this.snapshot = undefined
      if (this.list.push(message) >= this.most) this.trim()
    } else {
      this.insert(message)
    }
    if (rev !== this.rev + 1) return 'gap'
    this.rev = rev
    return 'next'
  }

  /** A live `message:deleted`. */
  remove (deletion: Deletion): Step {
    if (deletion.rev <= this.rev) return 'known'
    this.bury(deletion)
    if (deletion.rev !== this.rev + 1) return 'gap'
    this.rev = deletion.rev
    return 'next'
  }

  /** A message from an ack, which says nothing of the position. */
  lay (message: Message) {
    if (message.seq > this.last) this.append(message)
    else this.insert(message)
  }

  /** Older ones are going to be loaded. The `seq` to ask for those before; undefined when there are none. */
  askOlder (): number | undefined {
    this.trim()
    const first = this.list[0]
    if (first === undefined || first.seq <= 1 || this.isWhole) return undefined
    this.outside = new Map()
    this.askedAt = this.rev
    return first.seq
  }

  /**
   * A page of those before `before`. How many of them are new here; undefined when the page is of no use: it is older than what was
   * known when it was asked for (another node, a little behind), or the window has moved away.
   */
  putOlder ({ messages, rev, hasBefore }: Pick<MessagePage, 'messages' | 'rev' | 'hasBefore'>, before: number): number | undefined {
    const changes = this.outside
    this.outside = undefined
    if (changes === undefined || this.list[0]?.seq !== before || rev < this.askedAt) return undefined
    const older = messages.filter(({ seq }) => seq < before).toReversed().map(message => update(message, changes.get(message.id)))
    this.allow(this.window + this.scrollback)
    this.list = [...older, ...this.list]
    this.isWhole = hasBefore === false
    this.snapshot = undefined
    return older.length
  }

  /** There will be no page. */
  endOlder () { this.outside = undefined }

  /** The reader is back at the newest: what was loaded beyond the window goes. */
  forgetOlder () {
    this.allow(this.window)
    this.trim()
  }

  /** Oldest first, frozen; the same array until something changes. */
  get messages (): readonly Message[] {
    this.snapshot ??= Object.freeze(this.list.slice(Math.max(0, this.list.length - this.limit)))
    return this.snapshot
  }

  /** The `rev` up to which everything is known; undefined before the first history. */
  get position (): number | undefined { return this.rev === NOWHERE ? undefined : this.rev }

  get hasOlder (): boolean { return this.list.length > this.limit || (this.list.length > 0 && this.list[0]!.seq > 1 && !this.isWhole) }

  get isFull (): boolean { return this.list.length >= this.window + this.scrollback }

  private allow (limit: number) {
    this.limit = limit
    this.most = limit + this.slack
  }

  private append (message: Message) {
    this.last = message.seq
    this.snapshot = undefined
    if (this.list.push(message) >= this.most) this.trim()
  }

  /** One that is not newer than all others. */
  private insert (message: Message) {
    const { list } = this
    if (message.seq < list[0]!.seq) {
      this.outside?.set(message.id, message)
      return
    }
    const index = this.indexOf(message.seq)
    const present = list[index]!
    if (present.seq !== message.seq) list.splice(index, 0, message)
    else if (present.rev < message.rev) list[index] = message
    else return
    this.snapshot = undefined
  }

  private bury (deletion: Deletion) {
    const first = this.list[0]
    if (first === undefined || deletion.seq < first.seq) {
      this.outside?.set(deletion.messageId, deletion)
      return
    }
    const index = this.indexOf(deletion.seq)
    const present = this.list[index]
    if (present === undefined || present.id !== deletion.messageId || present.rev >= deletion.rev) return
    this.list[index] = entomb(present, deletion)
    this.snapshot = undefined
  }

  /** Where a number is, or would have to be. */
  private indexOf (seq: number): number {
    const { list } = this
    // There are no holes but for a moment, so the place follows from the number.
    const guess = seq - list[0]!.seq
    if (guess < list.length && list[guess]!.seq === seq) return guess
    let [low, high] = [0, list.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (list[middle]!.seq < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  private trim () {
    if (this.list.length <= this.limit) return
    this.list.splice(0, this.list.length - this.limit)
    this.isWhole = false
    this.snapshot = undefined
  }
}

/** Text goes, the place stays. Written out: copying with `...` takes ten times as long. */
function entomb ({ id, cafeId, userId, username, createdAt, seq, clientId, editedAt }: Message, { rev, deletedAt }: Deletion): Message {
  const tombstone: Message = { id, cafeId, userId, username, content: '', createdAt, deleted: true, seq, rev }
  if (clientId !== undefined) tombstone.clientId = clientId
  if (editedAt !== undefined) tombstone.editedAt = editedAt
  if (deletedAt !== undefined) tombstone.deletedAt = deletedAt
  return tombstone
}

function update (message: Message, change: Message | Deletion | undefined): Message {
  if (change === undefined || change.rev <= message.rev) return message
  return 'messageId' in change ? entomb(message, change) : change
}
