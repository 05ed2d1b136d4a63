import type { Attempt, Fault, MemberRecord, Records, Tables, Told } from './records.ts'

/** What went wrong, and how fast it went. All but the counts of what was done and the times should be 0. */
export interface Verdict {
  attempted: number
  acked: number
  refused: number
  hung: number
  /** acked, but not in the database, or there under another id */
  ackedLost: number
  /** sends with more than one row */
  storedTwice: number
  /** rows that nobody sent */
  unattempted: number
  /** acked edits and deletions that the log does not know */
  changesLost: number
  /** cafes whose seqs are not 1..n, or whose revs are not 1..rev */
  brokenLogs: number
  /** steps that clients never heard, and messages they miss or have in an old state in the end */
  lost: number
  doubled: number
  disordered: number
  /** messages that a client has and the database has not */
  phantoms: number
  /** of sends outside the fault and what follows it: how fast this machine is at the time */
  calmMax: number
  ackP99: number
  ackMax: number
  /** ack to the ears of members on the sender's node, while something was broken */
  nearP99: number
  /** what was sent while something was broken and came late: at the healing, or before it with something that did get through */
  repaired: number
  /** how long after the healing */
  repairP50: number
  repairP99: number
  /** the longest time between two things that one client heard */
  silenceMax: number
}

/** A change that comes so long after its ack was held up. */
const LATE_MS = 250
/** What is acked so soon after the healing may still suffer from the fault. */
const AFTERMATH_MS = 3000

/** Judges what clients wrote down by the database alone; it knows nothing of the server. */
export function judge (records: Records, tables: Tables, fault: Fault): Verdict {
  const { attempts } = records
  const acked = attempts.filter(({ ackedAt }) => ackedAt !== undefined)
  const rows = new Map<string, Tables['messages']>()
  for (const row of tables.messages) {
    const send = sendOf(row.cafe_id, row.user_id, row.client_id)
    rows.set(send, [...rows.get(send) ?? [], row])
  }
  const sent = new Set(attempts.map(attempt => sendOf(attempt.cafeId, attempt.userId, attempt.clientId)))
  const known = new Set(tables.changes.map(({ message_id: id, rev }) => `${id} ${rev}`))
  const views = records.members.map(member => follow(member, tables))
  const sum = (name: 'lost' | 'doubled' | 'disordered' | 'phantoms') => views.reduce((total, view) => total + view[name], 0)
  const answers = records.answers.map(({ ms }) => ms)
  const calm = records.answers.filter(({ sentAt, ms }) => sentAt + ms < fault.brokenAt || sentAt > fault.healedAt + AFTERMATH_MS).map(({ ms }) => ms)
  return {
    attempted: attempts.length,
    acked: acked.length,
    refused: attempts.filter(({ refused }) => refused !== undefined).length,
    hung: records.hung,
    ackedLost: acked.filter(one => !rows.get(sendOf(one.cafeId, one.userId, one.clientId))?.some(({ id }) => id === one.id)).length,
    storedTwice: [...rows.values()].filter(({ length }) => length > 1).length,
    unattempted: tables.messages.filter(row => !sent.has(sendOf(row.cafe_id, row.user_id, row.client_id))).length,
    changesLost: records.changes.filter(({ messageId, rev }) => !known.has(`${messageId} ${rev}`)).length,
    brokenLogs: tables.heads.filter(head => !isWhole(head, tables)).length,
    lost: sum('lost'),
    doubled: sum('doubled'),
    disordered: sum('disordered'),
    phantoms: sum('phantoms'),
    calmMax: percentile(calm, 1),
    ackP99: percentile(answers, 0.99),
    ackMax: percentile(answers, 1),
    ...delaysOf(records.members, acked, fault),
    silenceMax: percentile(records.members.flatMap(({ steps }) => steps.slice(2).map(({ at }, index) => at - steps[index + 1]!.at)), 1)
  }
}

const sendOf = (cafeId: string, userId: string, clientId: string | null) => `${cafeId} ${userId} ${clientId}`

function isWhole ({ cafe_id: cafeId, seq, rev }: Tables['heads'][number], { messages, changes }: Tables): boolean {
  const own = messages.filter(row => row.cafe_id === cafeId)
  const revs = [...own.map(row => row.created_rev), ...changes.filter(row => row.cafe_id === cafeId).map(row => row.rev)]
  return isRange(own.map(row => row.seq), seq) && isRange(revs, rev)
}

const isRange = (numbers: number[], last: number) =>
  numbers.length === last && numbers.toSorted((a, b) => a - b).every((number, index) => number === index + 1)

/** Does what a client does: lays what it hears over what it has. Then compares that with the database. */
export function follow ({ cafeId, steps }: MemberRecord, tables: Tables) {
  const list = new Map<number, Told>()
  const missed = new Set<number>()
  let position: number | undefined
  let from = 1
  let doubled = 0
  let disordered = 0

  function lay (message: Told) {
    const present = list.get(message.seq)
    if (present === undefined || present.rev <= message.rev) list.set(message.seq, message)
  }

  for (const step of steps) {
    if (step.kind === 'history') {
      if (!step.recovered) {
        list.clear()
        missed.clear()
        from = step.messages.at(-1)?.seq ?? 1
      } else {
        // What the client had before it left was not asked for.
        doubled += step.messages.filter(({ rev }) => rev <= (position ?? 0)).length
      }
      step.messages.forEach(lay)
      if (position !== undefined && step.rev < position) disordered++
      position = step.rev
      continue
    }
    if (position === undefined || missed.delete(step.rev)) disordered++
    else if (step.rev <= position) doubled++
    for (let rev = (position ?? step.rev) + 1; rev < step.rev; rev++) missed.add(rev)
    position = Math.max(position ?? 0, step.rev)
    if (step.kind !== 'deleted') lay(step.message)
    else if (list.has(step.seq)) lay({ ...list.get(step.seq)!, content: '', deleted: true, rev: step.rev })
  }

  const rows = new Map(tables.messages.filter(row => row.cafe_id === cafeId).map(row => [row.seq, row]))
  const head = tables.heads.find(({ cafe_id: id }) => id === cafeId)!
  const wanting = [...rows.values()].filter(row => row.seq >= from && !isSame(list.get(row.seq), row)).length
  return {
    lost: Math.max(missed.size + head.rev - (position ?? 0), wanting),
    doubled,
    disordered,
    phantoms: [...list.values()].filter(({ id, seq }) => rows.get(seq)?.id !== id).length
  }
}

const isSame = (told: Told | undefined, row: Tables['messages'][number]) =>
  told !== undefined && told.id === row.id && told.rev === row.rev && told.deleted === row.deleted && told.content === row.content

function delaysOf (members: MemberRecord[], acked: Attempt[], { brokenAt, healedAt }: Fault) {
  const near: number[] = []
  const repairs: number[] = []
  let repaired = 0
  const byId = new Map(acked.map(attempt => [attempt.id, attempt]))
  for (const { node, steps } of members) {
    for (const step of steps) {
      const attempt = step.kind === 'new' ? byId.get(step.message.id) : undefined
      if (attempt === undefined) continue
      const ackedAt = attempt.ackedAt!
      if (ackedAt < brokenAt || ackedAt > healedAt + AFTERMATH_MS) continue
      if (attempt.node === node && ackedAt <= healedAt) near.push(step.at - ackedAt)
      if (step.at - ackedAt <= LATE_MS) continue
      repaired++
      if (step.at > healedAt) repairs.push(step.at - Math.max(ackedAt, healedAt))
    }
  }
  return { nearP99: percentile(near, 0.99), repaired, repairP50: percentile(repairs, 0.5), repairP99: percentile(repairs, 0.99) }
}

/** 0 of none. */
function percentile (numbers: number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.ceil(sorted.length * part) - 1] ?? 0)
}
