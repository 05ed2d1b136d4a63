import type { Test } from 'tap'
import type { Alert, Alerts } from '../../services/ports.ts'
import { newId, until, wait } from './cast.ts'

const alertOf = (of: { userId: string } | { tokenId: string }): Alert => ({ kind: 'revoked', revocation: { position: 1, ...of, at: Date.now(), until: Date.now() + 60_000 } })

/** `make`: the alerts of one node. */
export async function alertsContract (t: Test, make: () => Promise<Alerts>) {
  const alerts = await make()

  t.test('a node does not hear itself, and listening is idempotent', async t => {
    const heard: Alert[] = []
    alerts.onAlert(alert => heard.push(alert))
    await Promise.all([alerts.listen(), alerts.listen()])
    t.equal(alerts.send(alertOf({ userId: newId() })), undefined)
    await wait(100)
    t.strictSame(heard, [])
  })
}

/** For drivers that several nodes share. `make`: the alerts of the node of this name. */
export async function alertsNodesContract (t: Test, make: (nodeId: string) => Promise<Alerts>) {
  const [a, b, c] = await Promise.all(['node-a', 'node-b', 'node-c'].map(make)) as [Alerts, Alerts, Alerts]

  t.test('every other node that listens hears what is said, whole and in order', async t => {
    const heard = new Map<Alerts, Alert[]>([a, b, c].map(alerts => [alerts, []]))
    for (const [alerts, list] of heard) alerts.onAlert(alert => list.push(alert))
    await Promise.all([a.listen(), b.listen(), c.listen()])
    const said = [alertOf({ userId: newId() }), alertOf({ tokenId: 'a token: "x"' }), alertOf({ userId: newId() })]
    for (const alert of said) a.send(alert)
    await until(() => heard.get(b)!.length === 3 && heard.get(c)!.length === 3)
    t.strictSame(heard.get(b), said)
    t.strictSame(heard.get(c), said)
    t.strictSame(heard.get(a), [])
  })
}
