import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { end, launch, startSomewhere, until, type Scope } from './processes.ts'
import { findProgram } from './programs.ts'
import { makeFolder } from './run.ts'

export interface Balancer {
  /** Stays the same over restarts. */
  url: string
  /** Sends what is for server `index` to this URL from now on: the server was started anew somewhere else. */
  replace: (index: number, url: string) => Promise<void>
  /** The servers that get new connections: those whose last readiness was 200. */
  up: () => Promise<number[]>
  /** Source address of each open connection, and the server at its other end. */
  whereabouts: () => Promise<Map<string, number>>
  /** SIGKILL: every connection through it breaks. */
  kill: () => void
  /** Start it again on the same port. Ends it first if it still runs. */
  restart: () => Promise<void>
}

/**
 * haproxy in front of servers, the way an operator would set it up: a client's address decides where it goes, readiness decides
 * who takes part, and a connection that was upgraded to WebSocket may be silent for an hour. Killed at teardown.
 * @param servers their URLs
 */
export async function startBalancer (t: Scope, servers: string[]): Promise<Balancer> {
  const command = findProgram('haproxy')
  const folder = await makeFolder('haproxy')
  const socket = join(folder, 'admin')
  const file = join(folder, 'haproxy.cfg')
  // By address and port: what is set over the socket is forgotten in a restart.
  const addresses = servers.map(url => new URL(url).host)

  async function start (port: number) {
    writeFileSync(file, configure(port, socket, addresses))
    // The last that it says by itself; it listens a moment later, or ends because it cannot.
    const launched = await launch({ command, args: ['-db', '-V', '-f', file], ready: output => output.includes('as the polling mechanism') || undefined })
    const { child } = launched
    await until('haproxy listens', () => child.exitCode !== null || isOpen(port), 5000)
    if (child.exitCode !== null) throw new Error(`haproxy ended with ${child.exitCode}:\n${launched.logs()}`)
    return launched
  }
  let { port, running } = await startSomewhere(start)
  t.teardown(() => end(running, 2000))
  const states = async () => (await ask(socket, 'show servers state nodes')).split('\n').slice(2).filter(line => line !== '').map(line => line.split(' '))

  return {
    url: `http://127.0.0.1:${port}`,
    async replace (index, url) {
      const { host, hostname, port } = new URL(url)
      addresses[index] = host
      await ask(socket, `set server nodes/${index} addr ${hostname} port ${port}`)
    },
    async up () {
      const running = (await states()).filter(([, , , , , state]) => state === '2')
      return running.map(([, , , name]) => Number(name))
    },
    async whereabouts () {
      const sessions = (await ask(socket, 'show sess')).matchAll(/ src=([\d.]+):\d+ fe=clients be=nodes srv=(\d+) /g)
      return new Map([...sessions].map(([, source, server]) => [source!, Number(server)]))
    },
    kill () { running.kill('SIGKILL') },
    async restart () {
      await end(running, 2000)
      running = await start(port)
    }
  }
}

const configure = (port: number, socket: string, addresses: string[]) => `
global
  maxconn 4000
  stats socket ${socket} mode 600 level admin
  log stdout format raw local0 notice
defaults
  mode http
  log global
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  timeout check 2s
  retries 3
  option redispatch 1
frontend clients
  bind 127.0.0.1:${port} backlog 4000
  default_backend nodes
backend nodes
  balance source
  hash-type consistent sdbm avalanche
  option httpchk GET /health/ready
  default-server check inter 200ms fall 2 rise 1
${addresses.map((address, index) => `  server ${index} ${address}\n`).join('')}`

const isOpen = (port: number) => new Promise<boolean>(resolve => {
  const socket = connect(port, '127.0.0.1', () => {
    socket.destroy()
    resolve(true)
  }).on('error', () => resolve(false))
})

/** One command over haproxy's own socket. */
function ask (path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const admin = connect(path, () => { admin.write(`${command}\n`) })
    admin.setEncoding('utf8')
      .on('data', piece => { answer += piece })
      .on('error', reject)
      .on('end', () => resolve(answer))
  })
}
