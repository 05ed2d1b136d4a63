import t from 'tap'
import { judge, type Verdict } from './checker.ts'
import type { Attempt, Records, Step, Tables, Told } from './records.ts'

const cafeId = 'cafe'
const fault = { brokenAt: 1000, healedAt: 2000 }
const told = (seq: number): Told => ({ id: `m${seq}`, seq, rev: seq, content: `text ${seq}`, deleted: false })

/** Ten messages, sent, acked, stored and heard as they should be, a hundred milliseconds apart from 0 on. */
function ideal () {
  const seqs = Array.from({ length: 10 }, (_, index) => index + 1)
  const attempts: Attempt[] = seqs.map(seq => ({ cafeId, userId: 'ann', clientId: `c${seq}`, content: `text ${seq}`, node: 0, sentAt: seq * 100, tries: 1, ackedAt: seq * 100 + 5, id: `m${seq}` }))
  const live = seqs.map((seq): Step => ({ kind: 'new', at: seq * 100 + 6, rev: seq, message: told(seq) }))
  const steps: Step[] = [{ kind: 'history', at: 0, rev: 0, recovered: false, messages: [] }, ...live]
  const records: Records = { members: [{ name: 'bob', cafeId, node: 0, userCount: 0, steps }], attempts, changes: [], answers: attempts.map(({ sentAt }) => ({ sentAt, ms: 5 })), hung: 0 }
  const tables: Tables = {
    messages: seqs.map(seq => ({ ...told(seq), cafe_id: cafeId, user_id: 'ann', client_id: `c${seq}`, created_rev: seq })),
    changes: [],
    heads: [{ cafe_id: cafeId, seq: 10, rev: 10 }]
  }
  return { records, tables, steps, attempts }
}

const faultsOf = ({ hung, ackedLost, storedTwice, unattempted, changesLost, brokenLogs, lost, doubled, disordered, phantoms }: Verdict) =>
  Object.fromEntries(Object.entries({ hung, ackedLost, storedTwice, unattempted, changesLost, brokenLogs, lost, doubled, disordered, phantoms }).filter(([, count]) => count > 0))

/** What the checker finds after something was done to the ideal run. */
function after (spoil: (run: ReturnType<typeof ideal>) => void) {
  const run = ideal()
  spoil(run)
  return faultsOf(judge(run.records, run.tables, fault))
}

t.test('an ideal run has no faults', async t => {
  const { records, tables } = ideal()
  const verdict = judge(records, tables, fault)
  t.comment(`verdict ${JSON.stringify({ fault: 'checker: an ideal run', ...verdict, exits: [0, 0] })}`)
  t.same(faultsOf(verdict), {})
  t.match(verdict, { attempted: 10, acked: 10, refused: 0, ackP99: 5, ackMax: 5, nearP99: 1, repaired: 0, silenceMax: 100 })
})

t.test('what clients hear', async t => {
  t.same(after(({ steps }) => steps.splice(4, 1)), { lost: 1 }, 'one is lost')
  t.same(after(({ steps }) => steps.pop()), { lost: 1 }, 'the last one is lost')
  t.same(after(({ steps }) => steps.splice(4, 3)), { lost: 3 }, 'three are lost')
  t.same(after(({ steps }) => steps.splice(5, 0, steps[4]!)), { doubled: 1 }, 'one comes twice')
  t.same(after(({ steps }) => steps.push(steps[4]!)), { doubled: 1 }, 'one comes again much later')
  t.same(after(({ steps }) => steps.splice(4, 2, steps[5]!, steps[4]!)), { disordered: 1 }, 'two change places')
  t.match(after(({ steps }) => steps.splice(0, 2, steps[1]!, steps[0]!)), { disordered: 2 }, 'a live one comes before the history')
  t.same(after(({ steps }) => steps.push({ ...steps[4]!, rev: 11, message: { ...told(11), id: 'x' } } as Step)), { phantoms: 1 }, 'one was never committed')
  t.same(after(({ steps }) => { steps[3] = { kind: 'new', at: 300, rev: 3, message: { ...told(3), content: 'forged' } } }), { lost: 1 }, 'one says something else')
})

t.test('coming back', async t => {
  const back = (rev: number, recovered: boolean, seqs: number[]): Step => ({ kind: 'history', at: 600, rev, recovered, messages: seqs.map(told) })
  t.same(after(({ steps }) => steps.splice(4, 3, back(6, true, [6, 5, 4]))), {}, 'with all that was missed')
  t.same(after(({ steps }) => steps.splice(4, 3, back(6, true, [6, 4]))), { lost: 1 }, 'with a hole')
  t.same(after(({ steps }) => steps.splice(4, 3, back(6, true, [6, 5, 4, 3]))), { doubled: 1 }, 'with what was there before')
  t.same(after(({ steps }) => steps.splice(4, 3, back(6, false, [6, 5]))), {}, 'with a fresh page')
  t.same(after(({ steps }) => steps.splice(4, 2, back(6, true, [6, 5, 4]))), { doubled: 1 }, 'history and live overlap')
  t.same(after(({ steps }) => steps.splice(4, 4, back(6, true, [6, 5, 4]))), { lost: 1 }, 'history and live leave a gap')
  t.same(after(({ steps }) => steps.splice(6, 0, back(2, true, []))), { lost: 3, disordered: 1 }, 'back in time')
})

t.test('what is stored', async t => {
  t.same(after(({ tables }) => { tables.messages[2]!.client_id = 'other' }), { ackedLost: 1, unattempted: 1 }, 'an acked send is not there, one that nobody sent is')
  t.match(after(({ tables }) => { tables.messages[2]!.id = 'other' }), { ackedLost: 1, phantoms: 1 }, 'it is there under another id')
  t.match(after(({ tables }) => { tables.messages[2]!.client_id = 'c2' }), { ackedLost: 1, storedTwice: 1 }, 'one is there twice')
  t.same(after(({ tables }) => { tables.messages[9]!.created_rev = 9 }), { brokenLogs: 1 }, 'a rev is given twice')
  t.match(after(({ tables }) => { tables.heads[0]!.rev = 11 }), { brokenLogs: 1, lost: 1 }, 'a rev is missing')
  t.same(after(({ records }) => { records.changes.push({ messageId: 'm1', rev: 11 }) }), { changesLost: 1 }, 'an acked edit is not in the log')
  t.same(after(({ records }) => { records.hung = 2 }), { hung: 2 })
})

t.test('delays', async t => {
  const { records, tables, steps, attempts } = ideal()
  // Sent while broken, heard 300 ms after the healing on the other node.
  attempts[9]!.ackedAt = 1500
  attempts[9]!.node = 1
  steps.at(-1)!.at = 2300
  t.match(judge(records, tables, fault), { repaired: 1, repairP50: 300, repairP99: 300 })
  attempts[9]!.ackedAt = 1100
  steps.at(-1)!.at = 1900
  t.match(judge(records, tables, fault), { repaired: 1, repairP99: 0 }, 'with something that did get through')
  steps.at(-1)!.at = 2300
  attempts[9]!.ackedAt = 2200
  t.match(judge(records, tables, fault), { repaired: 0 }, 'a hundred milliseconds are no repair')
})
