import { Manager } from 'socket.io-client'
import type { Listener, Wire } from './wire.ts'

const OPENED = Buffer.from('0')

/** What `openWire` is, with a stock client in its place: it polls, upgrades, and reads all that comes. Resolves when it is on WebSocket. */
export function openStock (url: string, listener: Listener, onClose: () => void): Promise<Wire> {
  const hear = (bytes: Buffer) => listener(bytes, 0, bytes.length)
  return new Promise((resolve, reject) => {
    const manager = new Manager(url, { autoConnect: false, reconnection: false })
    manager.open(error => {
      if (error !== undefined) return reject(error)
      const { engine } = manager
      engine.on('data', (text: string) => hear(Buffer.from(`4${text}`)))
      engine.on('close', onClose)
      engine.on('upgrade', () => {
        resolve({ send: text => { engine.send(text.slice(1)) } })
        setImmediate(hear, OPENED)
      })
    })
  })
}
