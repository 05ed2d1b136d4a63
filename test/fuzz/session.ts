import type { Message } from '../../schemas/messages.ts'
import { errorFault } from '../support/contract.ts'
import { createDevice, type Device, PATIENCE_MS } from './device.ts'
import type { Step } from './steps.ts'
import { type Reference, resolve } from './values.ts'
import type { Truth } from './view.ts'
import type { World } from './world.ts'

const CAFES = 3
/** Ann has two devices. */
const OWNERS = [0, 0, 1, 2]
/** No cafe of a session ever comes so far: a `since` beyond it is answered with a fresh page. */
const MOST_CHANGES = 10_000
const MOST_LOOKS = 10
const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const BAD_TOKENS = ['', 'x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.']

/** How many of its steps were cases: events, requests, packets, breaks and returns. */
export const casesOf = (steps: readonly Step[]): number => steps.filter(step => step.do !== 'settle').length

/** Plays a session against the world's server, in cafes of its own, without waiting but where it says so. @returns what was not as it must be */
export async function play (world: World, steps: readonly Step[]): Promise<string[]> {
  const faults: string[] = []
  const note = (fault: string) => { faults.push(fault) }
  const cafes = (await world.openCafes(CAFES)).map(({ id }) => id)
  const known: string[] = []
  const ids = new Set<string>()
  const requests = new Set<Promise<void>>()

  function learn ({ id, cafeId }: Message) {
    if (ids.has(id) || !cafes.includes(cafeId)) return
    ids.add(id)
    known.push(id)
  }

  const around = (list: string[], at: number) => list.length === 0 ? UNKNOWN : list[at % list.length]!
  const lists = { cafe: cafes, message: known, user: world.people.map(({ user }) => user.id), token: world.people.map(({ token }) => token) }
  // A few point at nothing.
  const find = ({ $, at }: Reference) => at === 29 ? UNKNOWN : around(lists[$], at)

  const devices = OWNERS.map((_, index) => createDevice({ url: world.url, name: `device ${index}`, note, learn }))
  const tokenOf = (device: number) => world.people[OWNERS[device]!]!.token

  async function back (index: number, { cafe, since, token }: Extract<Step, { do: 'back' }>) {
    const device = devices[index]!
    const cafeId = cafes[cafe]!
    const position = since === 'mine' ? device.views.get(cafeId)?.position : since === 'wild' ? 1_000_000 : undefined
    await device.connect({ token: token === 'good' ? tokenOf(index) : BAD_TOKENS[cafe], cafeId, ...position !== undefined && { since: position } })
  }

  const comeBack = (index: number) => back(index, { do: 'back', device: index, cafe: index % CAFES, since: 'mine', token: 'good' })

  async function request ({ user, route: { method, path, statuses, isOpen }, path: places, query, body, token }: Extract<Step, { do: 'call' }>) {
    const text = (value: unknown) => typeof value === 'string' ? value : JSON.stringify(value)
    const encode = (value: unknown) => encodeURIComponent(text(resolve(value, find))?.toWellFormed() ?? '')
    const target = Object.entries(places).reduce((url, [name, value]) => url.replace(`{${name}}`, () => encode(value)), path)
    const list = (value: unknown) => Array.isArray(value) ? (resolve(value, find) as unknown[]).map(text).join() : value
    const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(list(value))}`).join('&')
    const authorization = token === 'good' ? world.people[user]!.token : BAD_TOKENS[user]
    const response = await fetch(`${world.url}${target}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: { ...token !== 'none' && !isOpen && { authorization: `Bearer ${authorization}` }, ...body !== undefined && { 'content-type': 'application/json' } },
      ...body !== undefined && { body: JSON.stringify(resolve(body, find)) ?? 'undefined' },
      signal: AbortSignal.timeout(PATIENCE_MS)
    })
    const answer = await response.text()
    const what = `${method} ${target}?${search} ${response.status} ${answer.slice(0, 300)}`
    // A path that is spoilt may lead to another route, or nowhere.
    if (response.status >= 500 || !(statuses.includes(String(response.status)) || response.status === 404)) note(what)
    if (response.status >= 400 && errorFault(JSON.parse(answer)) !== undefined) note(`${errorFault(JSON.parse(answer))}: ${what}`)
    const { message } = response.ok && method !== 'DELETE' ? JSON.parse(answer) as { message?: Message } : {}
    if (message !== undefined) learn(message)
  }

  async function settle () {
    await Promise.all([...requests, ...devices.map(device => device.settle())])
  }

  async function take (step: Step) {
    if (step.do === 'settle') return settle()
    if (step.do === 'call') {
      const work = request(step).catch((error: Error) => note(`${step.route.method} ${step.route.path}: ${String(error.cause ?? error)}`))
      requests.add(work)
      work.finally(() => requests.delete(work))
      return
    }
    const device = devices[step.device]!
    if (step.do === 'cut') return device.cut(step.politely)
    if (step.do === 'back') return back(step.device, step)
    if (!device.isUp) await comeBack(step.device)
    if (!device.isUp) return
    if (step.do === 'packet') return device.write(step.text)
    const args = resolve(step.args, find) as unknown[]
    if (step.event === 'join:cafe') beHonest(device, args[0])
    // Without an ack nobody knows from when on a cafe is not heard any more.
    device.emit(step.event, args, step.ack || step.event === 'leave:cafe')
  }

  /** Who names a position that it never had gets what follows it, and misses the rest: that is no fault of the server. */
  function beHonest (device: Device, payload: unknown) {
    const { cafeId, since } = (payload ?? {}) as { cafeId?: string, since?: unknown }
    if (!Number.isSafeInteger(since) || since as number > MOST_CHANGES) return
    const position = device.views.get(cafeId!)?.position
    if (position === undefined) delete (payload as { since?: unknown }).since
    else if (since as number > position) Object.assign(payload as object, { since: position })
  }

  /** How it is when everything stands still, and what is wrong with that. An event without an ack, or of a connection that broke, may be done a moment later: then it is looked at once more. */
  async function agree (look: (truths: Truth[]) => Promise<string[]>): Promise<{ truths: Truth[], found: string[] }> {
    for (let tries = 0; ; tries++) {
      const truths = await Promise.all(cafes.map(world.read))
      const found = await look(truths)
      if (found.length === 0 || tries === MOST_LOOKS) return { truths, found }
      const later = await Promise.all(cafes.map(world.read))
      if (later.every(({ rev }, index) => rev === truths[index]!.rev) && tries > 0) return { truths, found }
    }
  }

  async function compare (device: Device, truths: Truth[]): Promise<string[]> {
    const faults = await Promise.all(cafes.map(async (cafeId, index) => {
      const view = device.views.get(cafeId)
      if (view?.isLive !== true) return []
      await device.catchUp(cafeId, truths[index]!.rev)
      return view.compare(truths[index]!)
    }))
    return faults.flat().map(fault => `${device.name}: ${fault}`)
  }

  /** Whoever comes back has the whole of it, wherever they were. */
  async function resume (device: Device, index: number, truths: Truth[]) {
    for (const [place, cafeId] of cafes.entries()) {
      await back(index, { do: 'back', device: index, cafe: place, since: 'mine', token: 'good' })
      // The history of a handshake follows the connection, and what is said of the cafe follows the history.
      device.emit('typing:stop', [{ cafeId }], true)
      await device.settle()
      if (device.views.get(cafeId)?.isLive !== true) note(`${device.name} could not come back to ${cafeId}`)
      const isRight = (await compare(device, truths)).length === 0
      if (!isRight) faults.push(...(await agree(later => compare(device, later))).found)
    }
  }

  try {
    await Promise.all(devices.map((_, index) => comeBack(index)))
    for (const step of steps) await take(step)
    await settle()
    const { truths, found } = await agree(async truths => [...await world.logFaults(cafes, truths), ...(await Promise.all(devices.map(device => compare(device, truths)))).flat()])
    faults.push(...found)
    await Promise.all(devices.map((device, index) => resume(device, index, truths)))
    faults.push(...world.serverFaults())
    return faults
  } finally {
    for (const device of devices) device.close()
  }
}
