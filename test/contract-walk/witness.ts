import type { Ack } from '../../schemas/contract.ts'
import { type Check, checkOf, clientEvents, codes, errorBody, type Operation, operations, refusal, refusals, type Schema, serverEvents } from './documents.ts'
import { markPlaces, placesOf } from './fields.ts'

/** What a server answered to a request. */
export interface Response { status: number, headers: Headers, text: string }

/** One line of what was to be seen. `wanted`, `missing`: by names such as `status getCafe 404`. */
export interface Figure { what: string, wanted: string[], missing: string[] }

/** Headers that HTTP, caches and browsers deal with. Every other one is for the client, and has to be documented. */
const ordinary = new Set([
  'access-control-expose-headers', 'cache-control', 'connection', 'content-length', 'content-security-policy', 'content-type', 'cross-origin-resource-policy', 'date',
  'keep-alive', 'referrer-policy', 'strict-transport-security', 'transfer-encoding', 'vary', 'x-content-type-options', 'x-frame-options'
])

/** `CHAT_VALIDATION` and `CHAT_PAYLOAD_TOO_LARGE` have a second status, as errors.md and protocol.md say. */
const otherStatus: Record<string, number> = { CHAT_VALIDATION: 415, CHAT_PAYLOAD_TOO_LARGE: 431 }

interface Failure { code: string, retryAfterMs?: number }

/** The one place that everything passes which a server says: it judges by the committed documents, and remembers what was seen. */
export function createWitness () {
  const faults: string[] = []
  const seen = new Set<string>()

  function note (where: string, fault: string | undefined) {
    if (fault !== undefined) faults.push(`${where}: ${fault}`)
    return fault === undefined
  }

  const branches = new Map<Schema, Check>()
  function fits (branch: Schema, value: unknown): boolean {
    const check = branches.get(branch) ?? checkOf(branch)
    branches.set(branch, check)
    return check(value) === undefined
  }
  const mark = markPlaces(seen, fits)

  /** Of what a server says. @returns whether it is as documented */
  function judge (where: string, check: Check, value: unknown): boolean {
    const isRight = note(where, check(value))
    if (isRight) mark(check.schema, value)
    return isRight
  }

  /** @returns whether the body is documented */
  function noteFailure (where: string, body: unknown): body is Failure {
    if (!judge(where, errorBody, body)) return false
    const { code } = body as Failure
    seen.add(`code ${code}`)
    return note(where, codes.has(code) ? undefined : `errors.md does not know ${code}`)
  }

  /** The answer of an operation; of none where the path is not in the document. `sent`: the body of the request, if it was JSON. */
  function answered (operation: Operation | undefined, response: Response, sent?: unknown) {
    const { status, headers, text } = response
    if (operation === undefined) return noteStray(response)
    const where = `${operation.id} ${status}`
    const answer = operation.answers.get(status)
    if (answer === undefined) return faults.push(`${where}: is not documented; ${text.slice(0, 500)}`)
    seen.add(`status ${where}`)
    if (status < 300) {
      seen.add(`operation ${operation.id}`)
      if (sent !== undefined) note(where, operation.request === undefined ? 'has no body by the document' : operation.request(sent))
    }
    for (const [name, value] of headers) {
      const check = answer.headers.get(name)
      if (check === undefined && !ordinary.has(name)) faults.push(`${where}: the header ${name} is not documented`)
      if (check !== undefined && note(where, check(value))) seen.add(`header ${where} ${name}`)
    }
    if (answer.body === undefined) return note(where, text === '' ? undefined : `has a body: ${text}`)
    const mediaType = headers.get('content-type')?.split(';')[0]
    if (mediaType !== answer.mediaType) return faults.push(`${where}: is ${mediaType}, not ${answer.mediaType}`)
    const body: unknown = answer.mediaType!.endsWith('json') ? JSON.parse(text) : text
    judge(where, answer.body, body)
    // The 503 of a node that is not ready has a body of its own.
    if (status >= 400 && operation.id !== 'isReady' && noteFailure(where, body)) noteStatus(where, response, body)
  }

  function noteStray (response: Response) {
    const body: unknown = JSON.parse(response.text)
    if (noteFailure('no operation', body)) noteStatus('no operation', response, body)
  }

  /** A code has the status that errors.md says, and what it says of another try is in the header too. */
  function noteStatus (where: string, { status, headers }: Response, { code, retryAfterMs }: Failure) {
    if (status !== codes.get(code) && status !== otherStatus[code]) faults.push(`${where}: ${code} is ${codes.get(code)} by errors.md`)
    const wanted = retryAfterMs === undefined ? null : String(Math.ceil(retryAfterMs / 1000))
    if (headers.get('retry-after') !== wanted) faults.push(`${where}: retryAfterMs ${retryAfterMs}, Retry-After ${headers.get('retry-after')}`)
  }

  /** The ack of an event that a client emitted. */
  function acked (event: string, payload: unknown, ack: Ack<unknown>) {
    const documented = clientEvents.get(event)
    const where = `ack of ${event}`
    if (!judge(where, documented?.ack ?? refusal, ack)) return
    const mistake = documented?.payload(payload)
    if (ack.ok) {
      note(where, mistake && `was taken, but ${mistake}`)
      seen.add(`event client ${event}`)
      seen.add(`ack ${event} ok`)
    } else if (noteFailure(where, ack.error)) {
      seen.add(`ack ${event} refused`)
      seen.add(`refusal ${event} ${ack.error.code}`)
      if (documented !== undefined && mistake === undefined && ack.error.code === 'CHAT_VALIDATION') faults.push(`${where}: ${JSON.stringify(payload)} is refused, but right by the document`)
    }
  }

  /** An event of the server. */
  function heard (event: string, args: readonly unknown[]) {
    const check = serverEvents.get(event)
    if (check === undefined || args.length !== 1) return faults.push(`${event} with ${args.length} arguments: is not documented`)
    if (!judge(event, check, args[0])) return
    seen.add(`event server ${event}`)
    if (event === 'error') noteFailure(event, args[0])
  }

  /** The `data` of a connect_error. */
  function turnedAway (data: unknown) {
    noteFailure('connect_error', data)
  }

  function figure (what: string, wanted: string[]): Figure {
    return { what, wanted, missing: wanted.filter(name => !seen.has(name)) }
  }

  /** How much of what is documented was seen. */
  function coverage (): Figure[] {
    const answers = operations.flatMap(({ id, answers }) => [...answers].map(([status, { headers }]) => ({ where: `${id} ${status}`, headers: [...headers.keys()] })))
    const spoken = [
      ...operations.flatMap(({ answers }) => [...answers.values()].flatMap(({ body }) => body ?? [])),
      ...[...clientEvents.values()].map(({ ack }) => ack),
      ...serverEvents.values()
    ]
    return [
      figure('events', [...[...clientEvents.keys()].map(name => `event client ${name}`), ...[...serverEvents.keys()].map(name => `event server ${name}`)]),
      figure('acks', [...clientEvents.keys()].flatMap(name => [`ack ${name} ok`, `ack ${name} refused`])),
      figure('refusals of events', refusals.map(([event, code]) => `refusal ${event} ${code}`)),
      figure('operations', operations.map(({ id }) => `operation ${id}`)),
      figure('statuses', answers.map(({ where }) => `status ${where}`)),
      figure('headers', answers.flatMap(({ where, headers }) => headers.map(name => `header ${where} ${name}`))),
      figure('error codes', [...codes.keys()].map(code => `code ${code}`)),
      figure('fields and their values', placesOf(spoken.map(({ schema }) => schema)))
    ]
  }

  return { faults, answered, acked, heard, turnedAway, coverage }
}

export type Witness = ReturnType<typeof createWitness>
