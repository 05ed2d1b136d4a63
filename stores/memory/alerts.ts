import type { Alerts } from '../../services/ports.ts'

/** One process: there is no other node to tell or to hear. */
export function createAlerts (): Alerts {
  return {
    send () {},
    async listen () {},
    onAlert () {}
  }
}
