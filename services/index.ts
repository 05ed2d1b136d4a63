import type { Config } from '../schemas/config.ts'
import { createAccounts } from './accounts.ts'
import { createAttendance } from './attendance.ts'
import { createBudgets } from './budgets.ts'
import { createCafes } from './cafes.ts'
import { createFeed } from './feed.ts'
import { createHistory } from './history.ts'
import { createIdentities } from './identities.ts'
import { createMembership } from './membership.ts'
import { createMessages } from './messages.ts'
import type { Broadcast, Cafes, HotState, Identities, Log, Meter, Reporter, Revocations, Users } from './ports.ts'
import { createPresence } from './presence.ts'
import { createRevocations } from './revocations.ts'
import { createTopics } from './topics.ts'
import { createTyping } from './typing.ts'
import { createWriteBehind } from './write-behind.ts'

export interface Ports extends HotState { log: Log, users: Users, identities: Identities, cafes: Cafes, revocations: Revocations, broadcast: Broadcast, meter: Meter, reporter: Reporter }

/** All rules over their ports. `stop` ends timers and gives up what this node holds; ports stay open until it resolves. */
export function createServices (ports: Ports, config: Config, now: () => number) {
  const accounts = createAccounts(ports.users)
  const identities = createIdentities(ports.identities, accounts)
  const revocations = createRevocations(ports, config, now)
  const budgets = createBudgets(ports.limits)
  const feed = createFeed(ports, config, now)
  const writeBehind = createWriteBehind(ports, feed, config)
  feed.onRepair(writeBehind.touch)
  const attendance = createAttendance(ports.broadcast, now)
  const presence = createPresence(ports, { attendance, budgets }, config)
  const typing = createTyping(ports, { budgets, presence, attendance }, config, now)
  const topics = createTopics(ports, config, now)
  const history = createHistory(ports, feed, config)
  const cafes = createCafes(ports.cafes, ports.presence, ports.reporter)
  const messages = createMessages(ports, { accounts, budgets, feed, writeBehind, presence, topics, typing }, config)
  const membership = createMembership({ budgets, feed, history, presence, attendance, typing }, config)

  async function stop () {
    revocations.stop()
    feed.stop()
    typing.close()
    await Promise.all([topics.stop(), presence.stop(), writeBehind.settle()])
  }

  return { accounts, cafes, feed, history, identities, membership, messages, presence, revocations, topics, typing, stop }
}

export type Services = ReturnType<typeof createServices>
