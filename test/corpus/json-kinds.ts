import { bad, type Cell, type Class, FromCast, type Gap, Headers, type Kind, MISSING, nest, none, Raw, refused, taken, type Want } from './cells.ts'

/*
 * Fields of JSON: of socket events and of REST bodies alike.
 */

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

export const MARKUP = ['<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', 'javascript:alert(1)', '&lt;b&gt;']
export const SQL = ["' OR 1=1--", '$1', '\\', "'; DROP TABLE messages; --", '%_', '\\u0000']
export const KEYS = ['*', 'a:users', 'x}{y', 'socket.io#/#', '{}', 'klatsch:nodes']
export const PROTOTYPE = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
/** The name of a demon, as it is written to break pages. */
export const PILE = `z${'\u0301\u0316'.repeat(20)}`
export const LOG = '{"level":60,"msg":"stopped"}'

/** Of a value that must be text. */
export const noText: Cell[] = [
  ...bad('null', 'type', null), ...bad('boolean', 'type', true, false), ...bad('number', 'type', 0, 5),
  ...bad('array', 'type', [], ['x']), ...bad('object', 'type', {}, { x: 1 }, { length: 1 }, { toString: 'x' }), ...bad('bytes', 'type', Buffer.from('x')),
  ...bad('nested', 'type', nest(500)), ...bad('negative', 'type', -1), ...bad('fraction', 'type', 1.5), ...bad('huge', 'type', 1e308, 2 ** 53)
]

/** Of a value that must be a whole number. */
const noInteger: Kind = [
  ...bad('null', 'type', null), ...bad('boolean', 'type', true, false), ...bad('text', 'type', 'x', '5'),
  ...bad('array', 'type', [], [5]), ...bad('object', 'type', {}, { valueOf: 5 }), ...bad('bytes', 'type', Buffer.from('x')), ...bad('nested', 'type', nest(500)),
  ...bad('empty', 'type', ''), ...bad('blank', 'type', ' '), ...bad('fraction', 'type', 1500.5), ...bad('nan', 'type', 'NaN', 'Infinity'), ...bad('exponent', 'type', '1e1', '0x10'),
  ...none('it is no text', 'invisible', 'longest', 'tooLong', 'nul', 'control', 'escape', 'surrogate', 'turn', 'marks', 'markup', 'sql', 'key', 'log', 'prototype', 'malformed', 'upper', 'unknown', 'foreign', 'word')
]

const noId: Gap[] = none('it is no id', 'malformed', 'upper', 'unknown', 'foreign', 'cursor')
export const ofWhole: Gap[] = none('it is of a whole payload', 'extra', 'crowd', 'large', 'arguments', 'ack', 'syntax', 'media', 'twice')
const noToken: Gap[] = none('it is no token', 'forged', 'stale')

const missing = (isOptional: boolean): Cell[] => isOptional ? taken('missing', MISSING) : bad('missing', 'required', MISSING)

/** Where an id leads when it is one of nothing, and when it is that of something else: what that is, and what comes of it. */
export interface Ways { unknown: Want, foreign: Array<[of: string, want: Want]>, isOptional?: boolean }

const want = (of: Class, value: unknown, result: Want): Cell => ({ class: of, value, want: result })

/** An id. `name`: of one in the cast, to be misspelt. */
export function id (name: string, { unknown, foreign, isOptional = false }: Ways): Kind {
  return [
    ...missing(isOptional), ...noText, ...bad('text', 'format', 'corner'), ...bad('empty', 'format', ''), ...bad('blank', 'format', ' '), ...bad('invisible', 'format', '\u200b'),
    ...none('it has one length', 'longest'), ...bad('tooLong', 'format', `${UNKNOWN}0`, 'x'.repeat(1024)), ...bad('nul', 'format', '\u0000', `${UNKNOWN}\u0000`), ...bad('control', 'format', `${UNKNOWN}\n`),
    ...bad('escape', 'format', '\u001b[31m'), ...bad('surrogate', 'format', '\ud800'), ...bad('turn', 'format', `\u202e${UNKNOWN}`), ...bad('marks', 'format', PILE), ...bad('markup', 'format', MARKUP[0]),
    ...bad('sql', 'format', ...SQL), ...bad('key', 'format', ...KEYS), ...bad('log', 'format', `\n${LOG}`), ...bad('prototype', 'format', ...PROTOTYPE), ...bad('nan', 'format', 'NaN'),
    ...bad('exponent', 'format', '1e1'), ...none('every word is wrong', 'word'),
    ...bad('malformed', 'format', ` ${UNKNOWN}`, `${UNKNOWN} `, `{${UNKNOWN}}`, `urn:uuid:${UNKNOWN}`, UNKNOWN.replaceAll('-', ''), UNKNOWN.slice(1), UNKNOWN.replace('8', 'g')),
    ...bad('upper', 'format', new FromCast(`${name} in upper case`)),
    want('unknown', UNKNOWN, unknown),
    ...foreign.map(([of, result]) => want('foreign', new FromCast(of), result)),
    ...none('it is no cursor', 'cursor'), ...ofWhole, ...noToken
  ]
}

const invalid = (of: Class, rule: string, ...values: string[]) => refused(of, { code: 'CHAT_CONTENT_INVALID', field: 'content', rule }, ...values)

/** The text of a message. */
export const content: Kind = [
  ...missing(false), ...noText, ...none('every text says something', 'text', 'word'),
  ...invalid('empty', 'blank', ''), ...invalid('blank', 'blank', '   ', '\n\t', '\u00a0\u2003\u3000', '\u2028'),
  ...invalid('invisible', 'blank', '\u200b\u200d\ufeff', '\u3164', '\ufe0f', '\u034f', '\u{e0041}', '\u{e0100}', '\u2800', '\u00ad'),
  ...taken('longest', 'x'.repeat(500), '🥐'.repeat(500)), ...invalid('tooLong', 'maxLength', 'x'.repeat(501), '🥐'.repeat(501), ' '.repeat(60_000)),
  ...invalid('nul', 'characters', '\u0000', 'a\u0000b'), ...invalid('control', 'characters', 'bell \u0007', 'a\rb', 'next \u0085 line', 'rubbed out \u007f'), ...taken('control', 'two\nlines\tand a tab'),
  ...invalid('escape', 'characters', '\u001b[31mred', '\u009b2J'), ...invalid('surrogate', 'wellFormed', 'half \ud83e', '\udd50 half', '\udd50\ud83e'),
  ...taken('turn', '\u202eright to left', 'مرحبا بكم', '\u2066open'), ...invalid('marks', 'marks', PILE, `z${'\u0489'.repeat(9)}`), ...taken('marks', `z${'\u0301'.repeat(8)}`), ...taken('markup', ...MARKUP), ...taken('sql', ...SQL), ...taken('key', ...KEYS), ...taken('log', `\n${LOG}`), ...taken('prototype', ...PROTOTYPE),
  ...taken('nan', 'NaN', 'null', 'undefined'), ...taken('exponent', '1e1'), ...noId, ...ofWhole, ...noToken
]

/** The name of a user or a cafe. */
export const name = (maxLength: number, isOptional: boolean): Kind => [
  ...missing(isOptional), ...noText, ...none('every text may be a name', 'text', 'word'),
  ...bad('empty', 'minLength', ''), ...bad('blank', 'pattern', ' ', '\u00a0\u3000', ' Ann', 'Ann ', '\ufeffAnn'),
  ...bad('invisible', 'pattern', '\u200b', '\u200b \u200d', '\u3164', '\u2800', '\ufe0f', '\u00ad', '\u0301', '\u{e0041}', '\u{e0100}'),
  ...taken('longest', 'x'.repeat(maxLength), '🥐'.repeat(maxLength)), ...bad('tooLong', 'maxLength', 'x'.repeat(maxLength + 1), '🥐'.repeat(maxLength + 1), 'x'.repeat(60_000)), ...bad('tooLong', 'pattern', ' '.repeat(60_000), `${'\u200b'.repeat(20_000)} `),
  ...bad('nul', 'pattern', '\u0000', 'a\u0000b'), ...bad('control', 'pattern', 'a\nb', 'a\tb', 'bell \u0007', 'next \u0085 line'), ...bad('escape', 'pattern', '\u001b[31mred'), ...bad('surrogate', 'pattern', '\ud83e', 'half \ud83e'),
  ...bad('turn', 'pattern', '\u202eright', 'a\u2066b'), ...taken('turn', 'مرحبا', '👩‍👩‍👧'), ...taken('marks', PILE), ...taken('markup', ...MARKUP), ...taken('sql', ...SQL), ...taken('key', ...KEYS), ...taken('log', LOG), ...bad('log', 'pattern', `a\n${LOG}`),
  ...taken('prototype', ...PROTOTYPE), ...taken('nan', 'NaN', 'null'), ...taken('exponent', '1e1'), ...noId, ...ofWhole, ...noToken
]

/** A client's own id of a send. */
export const clientId: Kind = [
  ...missing(true), ...noText, ...none('every text may be an id', 'text', 'word'),
  ...bad('empty', 'minLength', ''), ...taken('blank', ' '), ...taken('invisible', '\u200b'), ...taken('longest', 'x'.repeat(64), '🥐'.repeat(64)), ...bad('tooLong', 'maxLength', 'x'.repeat(65), '🥐'.repeat(65)),
  ...bad('nul', 'pattern', '\u0000', 'a\u0000b'), ...bad('control', 'pattern', 'a\nb', '\u0085'), ...bad('escape', 'pattern', '\u001b[31m'), ...bad('surrogate', 'pattern', '\ud800', 'a\udc00'),
  ...taken('turn', '\u202e'), ...taken('marks', PILE), ...taken('markup', MARKUP[0]), ...taken('sql', ...SQL), ...taken('key', ...KEYS), ...taken('log', LOG), ...taken('prototype', ...PROTOTYPE), ...taken('nan', 'NaN'), ...taken('exponent', '1e1'),
  ...none('it is an id of the client', 'malformed', 'upper', 'unknown', 'foreign', 'cursor'), ...ofWhole, ...noToken
]

/** The position of a client: one in the future, or of long ago, is taken and answered with a fresh page. */
export const since: Kind = [
  ...missing(true), ...noInteger, ...taken('number', 0, 1, 1_000_000), ...bad('negative', 'minimum', -1, -(2 ** 53)), ...bad('huge', 'maximum', 2 ** 53, 1e308), ...taken('huge', Number.MAX_SAFE_INTEGER),
  ...none('it is a number', 'cursor'), ...ofWhole, ...noToken
]

/** Milliseconds that a status text stands. */
export const textForMs: Kind = [
  ...missing(true), ...noInteger, ...bad('number', 'minimum', 0, 999), ...taken('number', 1000, 30 * 86_400_000), ...bad('negative', 'minimum', -1), ...bad('huge', 'maximum', 30 * 86_400_000 + 1, 2 ** 53, 1e308),
  ...none('it is a number', 'cursor'), ...ofWhole, ...noToken
]

export const status: Kind = [
  ...missing(false), ...noText, ...bad('text', 'enum', 'corner'), ...bad('word', 'enum', 'offline', 'Online', 'online '), ...taken('word', 'online', 'away', 'busy'), ...bad('empty', 'enum', ''), ...bad('blank', 'enum', ' '),
  ...bad('invisible', 'enum', '\u200b', 'away\u200b'), ...none('there are but three words', 'longest'), ...bad('tooLong', 'enum', 'x'.repeat(60_000)), ...bad('nul', 'enum', '\u0000', 'away\u0000'), ...bad('control', 'enum', 'away\n'), ...bad('escape', 'enum', '\u001b[31m'),
  ...bad('surrogate', 'enum', '\ud800'), ...bad('turn', 'enum', '\u202eaway'), ...bad('marks', 'enum', PILE), ...bad('markup', 'enum', MARKUP[0]), ...bad('sql', 'enum', SQL[0]), ...bad('key', 'enum', KEYS[0]), ...bad('log', 'enum', LOG), ...bad('prototype', 'enum', ...PROTOTYPE),
  ...bad('nan', 'enum', 'NaN'), ...bad('exponent', 'enum', '1e1'), ...noId, ...ofWhole, ...noToken
]

/** The words beside a status, where it is said how long they stand; empty ones take them away. */
export const statusText: Kind = [
  ...missing(false), ...noText, ...none('every text says something', 'text', 'word'), ...taken('empty', ''), ...bad('blank', 'pattern', ' ', '\u3000'), ...bad('invisible', 'pattern', '\u200b', '\u3164 \ufe0f', '\u202e', '\u{e0041}'),
  ...taken('longest', 'x'.repeat(100), '🥐'.repeat(100)), ...bad('tooLong', 'maxLength', 'x'.repeat(101), '🥐'.repeat(101)), ...bad('nul', 'pattern', '\u0000', 'a\u0000b'), ...bad('control', 'pattern', 'two\nlines', '\u0085'), ...bad('escape', 'pattern', '\u001b[31mred'),
  ...bad('surrogate', 'pattern', 'half \ud83e'), ...taken('turn', '\u202eleft', 'مشغول'), ...taken('marks', PILE), ...taken('markup', ...MARKUP), ...taken('sql', ...SQL), ...taken('key', ...KEYS), ...taken('log', LOG), ...taken('prototype', ...PROTOTYPE), ...taken('nan', 'NaN'), ...taken('exponent', '1e1'),
  ...noId, ...ofWhole, ...noToken
]

/** 200 fields that nobody knows. */
const crowd = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`field${index}`, index]))

const ofFields: Gap[] = none('it is of a field', 'nan', 'exponent', 'longest', 'tooLong', 'nul', 'control', 'escape', 'surrogate', 'turn', 'marks', 'markup', 'sql', 'key', 'log', 'malformed', 'upper', 'unknown', 'foreign', 'word', 'cursor')

/** Fields beside the right ones. `known`: what is no stranger here. */
const beside = (known: string[]): Cell[] => [
  ...['userId', 'id', 'seq', 'createdAt', 'deleted', 'token'].filter(field => !known.includes(field)).flatMap(field => refused('extra', { code: 'CHAT_VALIDATION', field, rule: 'additionalProperties' }, { [field]: 1 })),
  ...['__proto__', 'constructor', 'prototype', 'toString'].flatMap(field => refused('prototype', { code: 'CHAT_VALIDATION', field, rule: 'additionalProperties' }, JSON.parse(`{"${field}":{"prototype":{"isAdmin":true}}}`))),
  ...refused('nested', { code: 'CHAT_VALIDATION', field: 'deep', rule: 'additionalProperties' }, { deep: nest(500) }),
  ...refused('crowd', { code: 'CHAT_VALIDATION', field: '', rule: 'maxProperties' }, crowd)
]

const whole = (of: Class, rule: string, ...values: unknown[]) => refused(of, { code: 'CHAT_VALIDATION', field: '', rule }, ...values)
const noObject: Cell[] = [
  ...whole('null', 'type', null), ...whole('boolean', 'type', true, false), ...whole('number', 'type', 5), ...whole('array', 'type', [], [{}]), ...whole('text', 'type', 'text'), ...whole('empty', 'type', ''), ...whole('blank', 'type', ' '),
  ...whole('invisible', 'type', '\u200b'), ...whole('negative', 'type', -1), ...whole('fraction', 'type', 1.5), ...whole('huge', 'type', 1e308)
]

/** The payload of an event. The first argument is the value, `arguments` and `ack` say what follows; objects of `beside` are laid over a right payload. */
export const payload = (...known: string[]): Kind => [
  ...whole('missing', 'type', MISSING), ...noObject, ...whole('bytes', 'type', Buffer.from('x')), ...none('a field is missing: it has cells of its own', 'object'), ...beside(known),
  ...refused('arguments', { code: 'CHAT_VALIDATION', field: 'ack', rule: 'type' }, [{ more: 1 }], [0], ['more'], [[]]),
  ...refused('ack', { code: 'CHAT_VALIDATION', field: 'ack', rule: 'type' }, ['ack'], [1], [{ ack: true }]),
  ...none('larger events close the connection: see test/routes/socket/input.test.ts', 'large'), ...none('broken packets close the connection: see test/threats/', 'syntax'), ...none('a packet has no type', 'media', 'twice'), ...ofFields, ...noToken
]

const syntax = (...texts: string[]) => refused('syntax', { code: 'CHAT_VALIDATION' }, ...texts.map(text => new Raw(text)))

const media: Cell[] = [
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonx', 'nonsense', 'text/plain; charset=application/json'].flatMap(type =>
    refused('media', { code: 'CHAT_VALIDATION', status: 415, field: 'content-type', rule: 'contentMediaType' }, new Headers({ 'content-type': type }))),
  ...['gzip', 'br', 'deflate', 'identity, gzip', 'nonsense'].flatMap(encoding =>
    refused('media', { code: 'CHAT_VALIDATION', status: 415, field: 'content-encoding', rule: 'contentEncoding' }, new Headers({ 'content-encoding': encoding })))
]

/** The body of a request. `isOptional`: none will do. */
export const body = (isOptional: boolean, ...known: string[]): Kind => [
  ...isOptional ? taken('missing', MISSING) : whole('missing', 'type', MISSING), ...noObject, ...none('JSON has none', 'bytes'), ...none('a field is missing: it has cells of its own', 'object'), ...beside(known),
  ...none('a request has one body', 'arguments', 'ack'),
  ...refused('large', { code: 'CHAT_PAYLOAD_TOO_LARGE' }, new Raw(JSON.stringify({ content: 'x'.repeat(70_000) }))),
  ...syntax('{', '{"content":"x"} x', '\u0000', "{'content':'x'}", '{"content":NaN}', '[1,]', '{"content":"x",}', '//', '<xml/>', '', '{"content":"\u0001"}'),
  ...none('JSON lets the last one win, and the schema sees that', 'twice'), ...media, ...ofFields, ...noToken
]
