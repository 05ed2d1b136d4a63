import type { Redis } from 'ioredis'

/** Runs one script on a client. `keys` are the KEYS and `args` the ARGV that the script's header lists. */
export type Run<Reply> = (client: Redis, keys: string[], args: ReadonlyArray<string | number>) => Promise<Reply>

/** Every script by the name of its command, for the options of a client that is to run them. */
export const scripts: Record<string, { lua: string, numberOfKeys?: number }> = {}

/**
 * Makes a script callable on clients that were opened with `scripts`; ioredis sends its digest only.
 * Not defined at its first use: ioredis copies the scripts into a pipeline when that begins, and one that came later would
 * break an automatic pipeline and with it the process.
 * `Reply` is what the script returns: our own Lua, so its type is taken on trust.
 */
export function bind<Reply> (name: string, lua: string): Run<Reply> {
  const command = `klatsch${name}`
  scripts[command] = { lua }

  return function run (client, keys, args) {
    const commands = client as unknown as Record<string, (...args: ReadonlyArray<string | number>) => Promise<Reply>>
    const call = commands[command]
    if (call === undefined) throw new TypeError(`${command} is not defined on this client`)
    return call.call(client, keys.length, ...keys, ...args)
  }
}

/**
 * A key function of keys.ts as a Lua expression, for keys that a script finds by itself.
 * The arguments are Lua expressions too: `keyInLua(cafeUsers, 'cafe')` is `('cafe:' .. cafe .. ':users')`.
 */
export function keyInLua (key: (...parts: string[]) => string, ...variables: string[]): string {
  const marks = variables.map((_, index) => `\u0000${index}\u0000`)
  const pieces = key(...marks).split('\u0000').map((piece, index) => index % 2 === 0 ? `'${piece}'` : variables[Number(piece)])
  return `(${pieces.join(' .. ')})`
}
