import { createHmac, createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token signed with a shared secret, with whatever header and claims. `claims` as text stand as they are. */
export function signHmac (claims: unknown, key: string, header: unknown = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256'): string {
  const input = `${base64(header)}.${base64(claims)}`
  return `${input}.${createHmac(hash, key).update(input).digest('base64url')}`
}

/** A pair of keys of an issuer, of which tokens are made. `pem`: of the public one. */
export interface Signer {
  kid: string
  pem: string
  jwk: Record<string, unknown>
  token: (claims: unknown, header?: object) => string
}

/** `kind`: what the keys are for. */
export function createSigner (kid: string, kind: 'RS256' | 'ES256' | 'EdDSA' = 'RS256'): Signer {
  const { publicKey, privateKey } = makeKeys(kind)
  return {
    kid,
    pem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: kind, use: 'sig' },
    token (claims, header = {}) {
      const input = `${base64({ alg: kind, typ: 'JWT', kid, ...header })}.${base64(claims)}`
      const key = { key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })), dsaEncoding: 'ieee-p1363' as const }
      return `${input}.${sign(kind === 'EdDSA' ? null : 'sha256', Buffer.from(input), key).toString('base64url')}`
    }
  }
}

function makeKeys (kind: string): { publicKey: KeyObject, privateKey: KeyObject } {
  if (kind === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return kind === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
}

/** An issuer's keys on a server of their own, closed at the test's end. `answer` may be changed; `asked`: how often somebody came. */
export async function serveKeys (t: Test, ...keys: Signer[]) {
  const served = { url: '', asked: 0, answer: { status: 200, body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) } }
  const server = createServer((_request, response) => {
    served.asked++
    response.writeHead(served.answer.status, { 'content-type': 'application/json' }).end(served.answer.body)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  return served
}
