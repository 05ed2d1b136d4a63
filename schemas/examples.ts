/** What the examples of the schemas speak of, the same in all of them. */
export const cafeId = '3f2b9c1e-7d44-4c59-8a65-1c0e5b7d9a20'
export const userId = 'b1d0c7aa-2f0e-4f7b-9a3b-6d1c2e3f4a5b'
export const messageId = '8c7f1a52-5a3e-4d0e-9b6a-0d9a3a1f2c11'

export const cafe = { id: cafeId, name: 'Corner Table', createdAt: '2025-11-19T09:00:00.000Z', seq: 7, rev: 9, userCount: 2 }

export const person = { id: userId, username: 'HappyOtter42' }

export const message = {
  id: messageId,
  cafeId,
  userId,
  username: 'HappyOtter42',
  content: 'Hello everyone!',
  createdAt: '2025-11-19T10:00:00.000Z',
  deleted: false,
  seq: 7,
  rev: 9,
  clientId: 'b7a1'
}

export const edited = { ...message, content: 'Hello everybody!', rev: 11, editedAt: '2025-11-19T10:02:10.400Z' }

export const tombstone = { ...edited, content: '', deleted: true, rev: 12, deletedAt: '2025-11-19T10:04:30.120Z' }

/** Someone's status, with a few words beside it. */
export const words = { status: 'away', text: 'Mittagspause ☕', textExpiresAt: '2025-11-19T11:00:00.000Z' }

export const lastSeen = '2025-11-19T10:00:00.000Z'

/** What any event and any route with a body may be refused by. */
export const invalid = {
  code: 'CHAT_VALIDATION',
  message: 'The request breaks the schema',
  details: [{ field: 'colour', rule: 'additionalProperties' }]
}

export const limited = {
  code: 'CHAT_RATE_LIMITED',
  message: 'Too many messages of this user',
  retryAfterMs: 420,
  details: [{ field: 'userId', rule: 'sendRate' }]
}
