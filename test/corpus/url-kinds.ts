import { bad, type Cell, type Class, FromCast, type Gap, type Kind, MISSING, none, Raw, refused, taken, type Want } from './cells.ts'
import type { Ways } from './json-kinds.ts'

/*
 * Fields of a URL and of its header. Values are written as they stand in the URL; a `Raw` one is all that stands behind the question mark.
 */

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const LONE = '%ED%A0%80'

export const ofBody: Gap[] = none('it is of a body', 'bytes', 'nested', 'large', 'arguments', 'ack', 'syntax', 'media')
const ofWhole: Gap[] = none('it is of the whole query', 'extra', 'crowd')
const noToken: Gap[] = none('it is no token', 'forged', 'stale')
const noRoute: Want = { code: 'CHAT_ROUTE_NOT_FOUND' }

/** Texts that are no number, no id, and no name of a file, in the classes that most fields of a URL share. */
const nonsense = (rule: string): Cell[] => [
  ...bad('null', rule, 'null'), ...bad('boolean', rule, 'true', 'false'), ...bad('text', rule, 'corner'), ...bad('blank', rule, '%20', '%E3%80%80'), ...bad('invisible', rule, '%E2%80%8B'),
  ...bad('nul', rule, '%00'), ...bad('control', rule, '%0A', '%07'), ...bad('escape', rule, '%1B%5B31m'), ...bad('turn', rule, '%E2%80%AE'), ...bad('marks', rule, 'z%CC%81%CC%96'), ...bad('markup', rule, '%3Cscript%3Ealert(1)%3C%2Fscript%3E'),
  ...bad('sql', rule, "'%20OR%201=1--", '$1', '%5C'), ...bad('key', rule, '*', 'a:users', 'x%7D%7By', '%7B%7D'), ...bad('log', rule, '%0A%7B%22level%22:60%7D'), ...bad('prototype', rule, '__proto__', 'constructor', 'toString'),
  ...bad('nan', rule, 'NaN', 'Infinity')
]

const given = (of: Class, value: unknown, want: Want): Cell => ({ class: of, value, want })

/** An id in a path. `name`: of one in the cast, to be misspelt. */
export const pathId = (name: string, { unknown, foreign }: Ways): Kind => [
  ...none('a path without it is another path', 'missing'), ...bad('empty', 'format', ''), ...nonsense('format'), ...bad('number', 'format', '5'), ...bad('negative', 'format', '-1'), ...bad('fraction', 'format', '1.5'), ...bad('huge', 'format', '1000000000000000000'),
  ...bad('exponent', 'format', '1e1'), ...none('a path has neither', 'array', 'object', 'twice'), ...none('it has one length', 'longest'), ...bad('tooLong', 'format', `${UNKNOWN}0`), ...refused('tooLong', { code: 'CHAT_VALIDATION' }, 'x'.repeat(1024)),
  ...refused('surrogate', { code: 'CHAT_VALIDATION' }, LONE, '%zz'), ...none('every word is wrong', 'word'), ...none('it is no cursor', 'cursor'),
  ...bad('malformed', 'format', `%20${UNKNOWN}`, `${UNKNOWN}%20`, `%7B${UNKNOWN}%7D`, `urn:uuid:${UNKNOWN}`, UNKNOWN.replaceAll('-', ''), UNKNOWN.slice(1), `${UNKNOWN}%00`), ...refused('malformed', noRoute, `${UNKNOWN}/`),
  ...bad('upper', 'format', new FromCast(`${name} in upper case`)), given('unknown', UNKNOWN, unknown), ...foreign.map(([of, want]) => given('foreign', new FromCast(of), want)),
  ...ofBody, ...ofWhole, ...noToken
]

/** A whole number in a query that may be left out. */
export const integer = (name: string, minimum: number, maximum: number): Kind => [
  ...taken('missing', MISSING), ...nonsense('type'), ...bad('empty', 'type', ''), ...taken('number', ...new Set([String(minimum), '1', String(maximum)])),
  ...bad('array', 'type', new Raw(`${name}=1&${name}=2`)), ...refused('object', { code: 'CHAT_VALIDATION', field: `${name}[a]`, rule: 'additionalProperties' }, new Raw(`${name}[a]=1`)), ...bad('twice', 'type', new Raw(`${name}=1&${name}=1`)),
  ...bad('negative', 'minimum', '-1'), ...minimum > 0 ? bad('negative', 'minimum', '0') : bad('negative', 'type', '-0'), ...bad('fraction', 'type', '1.5', '1.0'),
  ...bad('huge', 'maximum', String(BigInt(maximum) + 1n), '1000000000000000000'), ...bad('huge', 'type', '9'.repeat(500)), ...bad('exponent', 'type', '1e1', '0x10', '007', '+5', '%2B5', '%205', '5%20', '5%0A', '%D9%A5'),
  ...none('it is a number', 'longest', 'tooLong', 'malformed', 'upper', 'unknown', 'foreign', 'word', 'cursor'), ...bad('surrogate', 'type', LONE), ...ofBody, ...ofWhole, ...noToken
]

/** Ids with commas between. */
export const idList: Kind = [
  ...bad('missing', 'required', MISSING), ...nonsense('pattern'), ...bad('empty', 'pattern', ''), ...bad('number', 'pattern', '5'), ...bad('array', 'type', new Raw(`userIds=${UNKNOWN}&userIds=${UNKNOWN.replace('8', '9')}`)),
  ...refused('object', { code: 'CHAT_VALIDATION', field: 'userIds[]', rule: 'additionalProperties' }, new Raw(`userIds[]=${UNKNOWN}`)), ...bad('twice', 'type', new Raw(`userIds=${UNKNOWN}&userIds=${UNKNOWN}`)),
  ...bad('negative', 'pattern', '-1'), ...bad('fraction', 'pattern', '1.5'), ...bad('huge', 'pattern', '1000000000000000000'), ...bad('exponent', 'pattern', '1e1'), ...taken('longest', Array(200).fill(UNKNOWN).join()), ...bad('tooLong', 'pattern', Array(201).fill(UNKNOWN).join()),
  ...bad('surrogate', 'pattern', LONE), ...bad('malformed', 'pattern', `${UNKNOWN},`, `,${UNKNOWN}`, `${UNKNOWN};${UNKNOWN}`, `${UNKNOWN},%20${UNKNOWN}`, UNKNOWN.slice(1)), ...bad('upper', 'pattern', new FromCast('user in upper case')),
  ...taken('unknown', UNKNOWN), ...taken('foreign', new FromCast('cafe'), new FromCast('bob')), ...none('every word is wrong', 'word'), ...none('it is no cursor', 'cursor'), ...ofBody, ...ofWhole, ...noToken
]

/** The cursor of a list of members, which is an id. */
export const idCursor: Kind = [
  ...taken('missing', MISSING), ...nonsense('format'), ...bad('empty', 'format', ''), ...bad('number', 'format', '5'), ...bad('array', 'type', new Raw(`cursor=${UNKNOWN}&cursor=x`)), ...refused('object', { code: 'CHAT_VALIDATION', field: 'cursor[a]', rule: 'additionalProperties' }, new Raw('cursor[a]=1')),
  ...bad('twice', 'type', new Raw(`cursor=${UNKNOWN}&cursor=${UNKNOWN}`)), ...bad('negative', 'format', '-1'), ...bad('fraction', 'format', '1.5'), ...bad('huge', 'format', '1000000000000000000'), ...bad('exponent', 'format', '1e1'), ...none('it has one length', 'longest'),
  ...bad('tooLong', 'format', `${UNKNOWN}0`, 'x'.repeat(5000)), ...bad('surrogate', 'format', LONE), ...bad('malformed', 'format', `${UNKNOWN}%20`, UNKNOWN.slice(1)), ...bad('upper', 'format', new FromCast('user in upper case')), ...taken('unknown', UNKNOWN), ...taken('foreign', new FromCast('cafe')),
  ...none('every word is wrong', 'word'), ...taken('cursor', 'ffffffff-ffff-4fff-bfff-ffffffffffff'), ...ofBody, ...ofWhole, ...noToken
]

const forged = (text: string) => Buffer.from(text).toString('base64url')

/** The cursor of a list of cafes, which is text that only the server reads. */
export const textCursor: Kind = [
  ...taken('missing', MISSING), ...nonsense('').filter(({ class: of }) => !['null', 'boolean', 'text', 'prototype', 'nan'].includes(of)).map(cell => ({ ...cell, want: { code: 'CHAT_VALIDATION', field: 'cursor', rule: 'pattern' } as const })),
  ...bad('null', 'format', 'null'), ...bad('boolean', 'format', 'true', 'false'), ...bad('text', 'format', 'corner'), ...bad('prototype', 'format', '__proto__', 'constructor', 'toString'), ...bad('nan', 'format', 'NaN', 'Infinity'),
  ...bad('empty', 'pattern', ''), ...bad('number', 'format', '5'), ...bad('array', 'type', new Raw('cursor=x&cursor=y')), ...refused('object', { code: 'CHAT_VALIDATION', field: 'cursor[a]', rule: 'additionalProperties' }, new Raw('cursor[a]=1')), ...bad('twice', 'type', new Raw('cursor=x&cursor=x')),
  ...bad('negative', 'format', '-1'), ...bad('fraction', 'pattern', '1.5'), ...bad('huge', 'format', '1000000000000000000'), ...bad('exponent', 'format', '1e1'), ...bad('longest', 'format', 'x'.repeat(100)), ...bad('tooLong', 'maxLength', 'x'.repeat(101), 'x'.repeat(5000)),
  ...bad('surrogate', 'pattern', LONE), ...bad('malformed', 'pattern', 'a b', 'a+b', 'a/b', 'YQ=='), ...none('it is no id', 'upper', 'unknown', 'foreign'), ...none('every word is wrong', 'word'),
  ...bad('cursor', 'format', ...[
    `2025-11-19T09:00:00.000Z ${UNKNOWN}x`, `2025-11-19T09:00:00.000Z  ${UNKNOWN}`, `2025-02-30T09:00:00.000Z ${UNKNOWN}`, `2025-11-19T25:00:00.000Z ${UNKNOWN}`, `9999-99-99T99:99:99.999Z ${UNKNOWN}`, `0000-01-01T00:00:00.000Z ${UNKNOWN}`,
    `-infinity ${UNKNOWN}`, UNKNOWN, '2025-11-19T09:00:00.000Z', "2025-11-19T09:00:00.000Z ' OR 1=1--", '{"createdAt":"now"}'
  ].map(forged)), ...taken('cursor', forged(`2025-11-19T09:00:00.000Z ${UNKNOWN}`)),
  ...ofBody, ...ofWhole, ...noToken
]

/** The name of a JSON Schema. */
export const file: Kind = [
  ...none('a path without it is another path', 'missing'), ...bad('empty', 'pattern', ''), ...nonsense('pattern'), ...bad('number', 'pattern', '5'), ...bad('negative', 'pattern', '-1'), ...bad('fraction', 'pattern', '1.5'), ...bad('huge', 'pattern', '1000000000000000000'), ...bad('exponent', 'pattern', '1e1'),
  ...none('a path has neither', 'array', 'object', 'twice'), ...refused('longest', noRoute, `${'x'.repeat(40)}.json`), ...bad('tooLong', 'pattern', `${'x'.repeat(41)}.json`), ...refused('tooLong', { code: 'CHAT_VALIDATION' }, 'x'.repeat(1024)), ...refused('surrogate', { code: 'CHAT_VALIDATION' }, LONE, '%zz'),
  ...bad('malformed', 'pattern', 'Message', 'Message.json%00', '..%2Fpackage.json', '..%2f..%2fpackage.json', 'Message.JSON', '.json'), ...none('it is no id', 'upper'), ...refused('unknown', noRoute, 'Nothing.json'), ...refused('foreign', noRoute, 'package.json', 'openapi.json'), ...bad('word', 'pattern', 'reference.css'),
  ...taken('word', 'Message.json', 'Contract.json'), ...none('it is no cursor', 'cursor'), ...ofBody, ...ofWhole, ...noToken
]

const surplus = (of: Class, field: string, text = `${field}=1`) => refused(of, { code: 'CHAT_VALIDATION', field, rule: 'additionalProperties' }, new Raw(text))

/** The query as a whole, of a route that knows none of these names. Where a name is required, its absence is told as well. */
export const query: Kind = [
  ...surplus('extra', 'userId'), ...surplus('extra', 'access_token'), ...surplus('extra', 'auth_token'), ...surplus('forged', 'token'), ...surplus('prototype', '__proto__'), ...surplus('prototype', 'constructor'), ...surplus('prototype', 'toString'), ...surplus('empty', '', '=1'),
  ...surplus('object', 'filter[$ne]'), ...surplus('array', 'ids[]'), ...surplus('sql', "' OR 1", "'%20OR%201=1"), ...surplus('key', '*'), ...surplus('markup', '<script>', '%3Cscript%3E=1'), ...surplus('nul', '\u0000', '%00=1'),
  ...refused('crowd', { code: 'CHAT_VALIDATION', field: '', rule: 'maxProperties' }, new Raw(Array.from({ length: 101 }, (_, index) => `field${index}=1`).join('&'))),
  ...none('it is of a field', 'missing', 'null', 'boolean', 'number', 'text', 'blank', 'invisible', 'longest', 'tooLong', 'control', 'escape', 'surrogate', 'turn', 'marks', 'log', 'negative', 'fraction', 'huge', 'nan', 'exponent', 'malformed', 'upper', 'unknown', 'foreign', 'word', 'cursor', 'twice'),
  ...none('see the forged one', 'stale'), ...ofBody
]
