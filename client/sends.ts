import type { Message } from '../schemas/messages.ts'
import type { Connection } from './connection.ts'
import { createCourier } from './courier.ts'
import type { ChatError } from './errors.ts'
import type { Me, Outbox, Unsent } from './outbox.ts'
import { createSending, type Change, type Sending } from './sending.ts'

interface Ends {
  connection: Connection
  outbox: Outbox
  call: <T>(method: string, path: string, body?: unknown) => Promise<T>
  me: () => Me | undefined
  maxLength: () => number
  isReady: () => boolean
  onSent: (message: Message) => void
  onNotMember: () => void
  onChange: () => void
}

/** 128 bits of chance. `crypto.randomUUID` is missing on pages without https. */
const makeClientId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')

/** What is said in one cafe: kept in the outbox, carried by the courier, and told to whoever said it. */
export function createSends (cafeId: string, { connection, outbox, call, me, maxLength, isReady, onSent, onNotMember, onChange }: Ends) {
  const handles = new Map<string, ReturnType<typeof createSending>>()
  const courier = createCourier(cafeId, outbox, {
    isReady,
    maxLength,
    onNotMember,
    send: ({ clientId, content }) => connection.request('message:send', { cafeId, content, clientId }),
    post: ({ clientId, content }) => call('POST', `/api/chat/messages/${cafeId}`, { content, clientId }),
    onSent: ({ clientId }, message) => settle(clientId, message),
    onChange (clientId) {
      const { state, error } = outbox.get(clientId) ?? { state: 'discarded' as const, error: undefined }
      tell(clientId, { state, ...(error && { error }) })
      onChange()
    }
  })

  function tell (clientId: string, change: Change) {
    handles.get(clientId)?.set(change)
    if (change.state === 'sent' || change.state === 'discarded') handles.delete(clientId)
  }

  function settle (clientId: string, message: Message) {
    onSent(message)
    outbox.remove(clientId)
    tell(clientId, { state: 'sent', message })
    onChange()
  }

  function handleOf ({ clientId, content }: Pick<Unsent, 'clientId' | 'content'>) {
    const handle = handles.get(clientId) ?? createSending(clientId, content)
    handles.set(clientId, handle)
    return handle
  }

  /** @param refusal why nothing can be sent here */
  function send (content: string, refusal?: ChatError): Sending {
    const clientId = makeClientId()
    const handle = handleOf({ clientId, content })
    try {
      if (refusal?.code === 'CLIENT_CLOSED') throw refusal
      outbox.add({ clientId, cafeId, content, createdAt: new Date().toISOString() })
    } catch (error) {
      tell(clientId, { state: 'failed', error: error as ChatError })
      handles.delete(clientId)
      return handle.sending
    }
    if (refusal === undefined) courier.pump()
    else courier.refuseAll(refusal)
    onChange()
    return handle.sending
  }

  function discard ({ clientId }: { readonly clientId: string }) {
    if (!outbox.remove(clientId)) return
    tell(clientId, { state: 'discarded' })
    onChange()
    courier.pump()
  }

  return {
    send,
    discard,
    retry ({ clientId }: { readonly clientId: string }): Sending | undefined {
      const entry = outbox.get(clientId)
      if (entry === undefined) return undefined
      // Under this clientId the server has another text, and always will.
      if (entry.error?.code === 'CHAT_CLIENT_ID_CONFLICT') {
        discard(entry)
        return send(entry.content)
      }
      const handle = handleOf(entry)
      if (entry.state === 'failed') {
        outbox.update(clientId, { state: 'pending' })
        handle.set({ state: 'pending' })
        onChange()
        courier.pump()
      }
      return handle.sending
    },
    /** A message that was heard may be one of ours, before its ack or without it. */
    recognise (message: Message) {
      if (outbox.isEmpty || message.clientId === undefined || message.userId !== me()?.id) return
      if (outbox.get(message.clientId)?.cafeId === cafeId) settle(message.clientId, message)
    },
    pump: courier.pump,
    refuseAll: courier.refuseAll,
    stop: courier.stop
  }
}
