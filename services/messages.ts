import { createHash } from 'node:crypto'
import type { Config } from '../schemas/config.ts'
import type { DeleteReply, EditReply, SendReply, SendRequest } from '../schemas/messages.ts'
import type { User } from '../schemas/users.ts'
import type { Accounts } from './accounts.ts'
import type { Budgets } from './budgets.ts'
import { checkContent, normalise } from './content.ts'
import { isChatError, refuse } from './errors.ts'
import type { FeedService } from './feed.ts'
import type { Change, Draft, Log, Meter, Repeats } from './ports.ts'
import type { PresenceService } from './presence.ts'
import type { TopicsService } from './topics.ts'
import type { TypingService } from './typing.ts'
import type { WriteBehind } from './write-behind.ts'

interface Ports { log: Log, repeats: Repeats, meter: Meter }
interface Others { accounts: Accounts, budgets: Budgets, feed: FeedService, writeBehind: WriteBehind, presence: PresenceService, topics: TopicsService, typing: TypingService }

/** Sending, editing and deleting. The answer follows the commit and nothing else; everything after the commit may fail and be repeated. */
export function createMessages (ports: Ports, others: Others, config: Config) {
  const { log, repeats, meter } = ports
  const { accounts, budgets, feed, writeBehind, presence, topics, typing } = others

  /** @throws CHAT_CONTENT_INVALID, CHAT_RATE_LIMITED, CHAT_REPEATED, CHAT_CAFE_NOT_FOUND, CHAT_CLIENT_ID_CONFLICT, CHAT_UNAVAILABLE, CHAT_OUTCOME_UNKNOWN */
  async function send (user: User, request: SendRequest): Promise<SendReply> {
    const { cafeId, content, clientId } = request
    checkContent(content, config.chat.maxLength)
    const draft = { cafeId, userId: user.id, username: user.username, content, hash: sha256(content), ...(clientId !== undefined && { clientId }) }
    const digest = sha256(normalise(content)).toString('base64url')
    try {
      await checkLimits(draft, digest)
    } catch (refusal) {
      return answerRetry(draft, refusal)
    }

    meter.count('sends')
    presence.noteActivity(user)
    typing.end(cafeId, user) // not after the commit: by then the next message may be being typed
    const appended = await log.append(draft).catch(error => {
      if (isChatError(error) && error.code === 'CHAT_UNAVAILABLE') undo(user.id, cafeId, digest)
      throw error
    })
    if (appended.outcome === 'created') {
      meter.count('acks')
      commit(cafeId, { rev: appended.message.rev, kind: 'created', message: appended.message })
      topics.note(appended.message)
      return { message: appended.message, duplicate: false }
    }
    if (appended.outcome === 'duplicate') {
      meter.count('acks')
      budgets.giveBack('send', { userId: user.id, places: [cafeId] })
      return { message: appended.message, duplicate: true }
    }
    undo(user.id, cafeId, digest)
    if (appended.outcome === 'conflict') throw refuse('CHAT_CLIENT_ID_CONFLICT')
    if (appended.outcome === 'no-cafe') throw refuse('CHAT_CAFE_NOT_FOUND')
    accounts.forget(user.id)
    throw refuse('CHAT_UNAUTHENTICATED', { message: 'This user is not known any more: connect again' })
  }

  /** Records a new send. @throws CHAT_RATE_LIMITED, CHAT_REPEATED when it must wait */
  async function checkLimits ({ userId, cafeId, clientId }: Draft, digest: string): Promise<void> {
    await budgets.spend('send', { userId, places: [cafeId] })
    const pause = await repeats.check(userId, cafeId, digest, clientId)
    if (pause > 0) throw refuse('CHAT_REPEATED', { retryAfterMs: pause })
  }

  /** A refusal is for new sends only: what was stored before is answered again. */
  async function answerRetry (draft: Draft, refusal: unknown): Promise<SendReply> {
    const earlier = await log.find(draft)
    if (earlier?.outcome === 'conflict') throw refuse('CHAT_CLIENT_ID_CONFLICT')
    if (earlier?.outcome !== 'duplicate') throw refusal
    meter.count('acks')
    return { message: earlier.message, duplicate: true }
  }

  /** A send that stored nothing leaves no trace in the limits. */
  function undo (userId: string, cafeId: string, digest: string) {
    budgets.giveBack('send', { userId, places: [cafeId] })
    repeats.forget(userId, cafeId, digest)
  }

  /** Only the author may. The same text again changes nothing. @throws CHAT_CONTENT_INVALID, CHAT_RATE_LIMITED, CHAT_MESSAGE_NOT_FOUND, CHAT_FORBIDDEN, CHAT_UNAVAILABLE, CHAT_OUTCOME_UNKNOWN */
  async function edit (user: User, messageId: string, content: string): Promise<EditReply> {
    checkContent(content, config.chat.maxLength)
    await budgets.spend('send', { userId: user.id })
    const edited = await log.edit(messageId, user.id, content)
    if (edited.outcome === 'no-message') throw refuse('CHAT_MESSAGE_NOT_FOUND')
    if (edited.outcome === 'forbidden') throw refuse('CHAT_FORBIDDEN', { message: 'Only the author may edit a message' })
    if (edited.outcome === 'same') return { message: edited.message }
    const { message } = edited.change
    commit(message.cafeId, edited.change)
    topics.revise(message, edited.content)
    return { message }
  }

  /** Deleting twice is harmless. @throws CHAT_MESSAGE_NOT_FOUND, CHAT_FORBIDDEN, CHAT_UNAVAILABLE, CHAT_OUTCOME_UNKNOWN */
  async function remove (user: User, messageId: string): Promise<DeleteReply> {
    const removed = await log.remove(messageId, { userId: user.id, anyone: user.role !== 'member' })
    if (removed.outcome === 'no-message') throw refuse('CHAT_MESSAGE_NOT_FOUND')
    if (removed.outcome === 'forbidden') throw refuse('CHAT_FORBIDDEN', { message: 'Only the author may delete a message' })
    if (removed.outcome === 'already') return tombstone(removed.message)
    commit(removed.change.message.cafeId, removed.change)
    topics.takeBack(removed.change.message, removed.content)
    return tombstone(removed.change.message)
  }

  function commit (cafeId: string, change: Change) {
    feed.publish(cafeId, [change])
    writeBehind.touch(cafeId, [change])
  }

  return { send, edit, remove }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

const tombstone = ({ id, seq, rev }: { id: string, seq: number, rev: number }): DeleteReply => ({ messageId: id, seq, rev })
