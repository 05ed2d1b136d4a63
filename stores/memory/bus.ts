import type { Bus } from '../../services/ports.ts'

/** One process: there is no other node to tell or to hear. */
export function createBus (): Bus {
  return {
    publish () {},
    async subscribe () {},
    async unsubscribe () {},
    onNotice () {},
    onReconnect () {},
    isLive: () => true
  }
}
