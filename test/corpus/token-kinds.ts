import { bad, type Cell, type Class, FromCast, type Kind, MISSING, none, refused, taken } from './cells.ts'
import { KEYS, LOG, MARKUP, noText, ofWhole, PILE, PROTOTYPE, SQL, type Ways } from './json-kinds.ts'
import { ofBody } from './url-kinds.ts'

/*
 * Tokens: in a header, in a handshake and in JSON, and the ids by which they are taken back.
 */

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

/** Tokens of the cast that are good, and what comes of them here. */
const refusedTo = (foreign: Ways['foreign']): Cell[] => foreign.map(([of, want]) => ({ class: 'foreign', value: new FromCast(of), want }))

const strange = (of: Class, ...values: unknown[]) => refused(of, { code: 'CHAT_UNAUTHENTICATED' }, ...values)

/** Of tokens, over both transports: `forged` and `stale` ones are made by the cast. */
const tokens: Cell[] = [
  ...strange('forged', ...['none', 'None', 'nOnE', 'another secret', 'HS512', 'RS256', 'no signature', 'cut', 'no exp', 'exp of null', 'exp of text', 'sub of an object', 'sub of an array', 'sub of 10 kB', 'no sub', 'sub that is no id', 'no username', 'invisible username', 'payload of an array', 'critical header', 'embedded key', '10 kB'].map(name => new FromCast(`token: ${name}`))),
  ...strange('stale', ...['expired', 'exp of -1', 'not yet'].map(name => new FromCast(`token: ${name}`)))
]

/** The header that carries the token. `foreign`: good tokens of those who may not do this. */
export const bearer = (...foreign: Ways['foreign']): Kind => [
  ...strange('missing', MISSING), ...strange('null', 'Bearer null'), ...strange('boolean', 'Bearer true'), ...strange('number', 'Bearer 5'), ...strange('text', 'Bearer corner', 'corner'), ...strange('array', 'Bearer []'), ...strange('object', 'Bearer {}', 'Bearer [object Object]'), ...strange('empty', '', 'Bearer'),
  ...strange('word', 'Basic YW5uOmFubg==', 'Token x', 'bearer'), ...strange('twice', new FromCast('token twice')), ...strange('malformed', 'Bearer a.b', 'Bearer a.b.c', 'Bearer a.b.c.d', 'Bearer ..', 'Bearer e30.e30.', 'Bearer %00.%00.%00'), ...strange('prototype', 'Bearer __proto__', 'Bearer constructor'), ...strange('sql', "Bearer ' OR 1=1--"), ...strange('key', 'Bearer *'),
  ...strange('markup', 'Bearer <script>'), ...strange('log', 'Bearer {"level":60}'), ...strange('nan', 'Bearer NaN'), ...strange('tooLong', `Bearer ${'x'.repeat(8193)}`), ...strange('longest', `Bearer ${'x'.repeat(8192)}`), ...strange('unknown', `Bearer ${UNKNOWN}`), ...strange('turn', 'Bearer \u00e9'), ...tokens,
  ...none('HTTP does not let it through', 'marks', 'nul', 'control', 'escape', 'surrogate', 'invisible', 'blank'), ...none('a token has none', 'negative', 'fraction', 'huge', 'exponent', 'upper', 'cursor'),
  ...foreign.length > 0 ? refusedTo(foreign) : none('whoever is known may', 'foreign'), ...ofBody, ...none('it is of the whole query', 'extra', 'crowd')
]

/** The token of a handshake. */
export const handshakeToken: Kind = [
  ...strange('missing', MISSING), ...strange('null', null), ...strange('boolean', true), ...strange('number', 5), ...strange('text', 'corner'), ...strange('array', [], ['x']), ...strange('object', {}, { toString: 'x' }), ...strange('empty', ''), ...strange('blank', ' '), ...strange('nested', [[[[]]]]),
  ...strange('nul', '\u0000'), ...strange('control', 'a\nb'), ...strange('escape', '\u001b[31m'), ...strange('surrogate', '\ud800'), ...strange('turn', '\u202e'), ...strange('marks', 'z\u0301\u0316'), ...strange('invisible', '\u200b'), ...strange('malformed', 'a.b.c', 'e30.e30.', '..'), ...strange('prototype', '__proto__'), ...strange('sql', "' OR 1=1--"), ...strange('key', '*'),
  ...strange('markup', '<script>'), ...strange('log', '{"level":60}'), ...strange('nan', 'NaN'), ...strange('negative', -1), ...strange('fraction', 1.5), ...strange('huge', 1e308), ...strange('tooLong', 'x'.repeat(8193)), ...strange('longest', 'x'.repeat(8192)), ...strange('unknown', UNKNOWN), ...strange('word', 'Bearer x'), ...tokens,
  ...none('a token has none', 'exponent', 'upper', 'foreign', 'cursor'), ...none('a handshake is JSON', 'bytes', 'large', 'arguments', 'ack', 'syntax', 'media', 'twice'), ...none('what else a program says of itself is its affair', 'extra', 'crowd')
]

/** A token in JSON. `good`: the name of one that is taken. `more`: tokens of the cast that only this place refuses so. */
export const token = (good: string, foreign: Ways['foreign'], ...more: string[]): Kind => [
  ...bad('missing', 'required', MISSING), ...noText, ...strange('text', 'corner'), ...bad('empty', 'minLength', ''), ...strange('blank', ' ', '\u3000'), ...strange('invisible', '\u200b'),
  ...taken('longest', new FromCast(`${good}, longest`)), ...strange('tooLong', new FromCast(`${good}, too long`), 'x'.repeat(60_000)), ...strange('nul', '\u0000'), ...strange('control', 'a\nb'), ...strange('escape', '\u001b[31m'),
  ...strange('surrogate', '\ud800'), ...strange('turn', '\u202e'), ...strange('marks', PILE), ...strange('markup', ...MARKUP), ...strange('sql', ...SQL), ...strange('key', ...KEYS), ...strange('log', LOG), ...strange('prototype', ...PROTOTYPE),
  ...strange('nan', 'NaN', 'null'), ...strange('exponent', '1e1'), ...strange('malformed', 'a.b', 'a.b.c', 'a.b.c.d', '..', 'e30.e30.', '\u0000.\u0000.\u0000'), ...taken('upper', new FromCast(`${good} in upper case`)), ...strange('unknown', UNKNOWN),
  ...strange('word', 'Bearer x', 'bearer'), ...taken('foreign', new FromCast(good)), ...refusedTo(foreign), ...tokens, ...strange('forged', ...more.map(name => new FromCast(name))), ...none('it is no cursor', 'cursor'), ...ofWhole
]

/** The id of a token, which its issuer made up. Alone: it stands in the place of a user's. */
export const tokenId: Kind = [
  ...refused('missing', { code: 'CHAT_VALIDATION', field: 'userId', rule: 'required' }, MISSING), ...noText, ...none('every text may be an id', 'text', 'word'), ...bad('empty', 'minLength', ''), ...taken('blank', ' '), ...taken('invisible', '\u200b'),
  ...taken('longest', 'x'.repeat(255), '🥐'.repeat(255)), ...bad('tooLong', 'maxLength', 'x'.repeat(256), '🥐'.repeat(256), 'x'.repeat(60_000)), ...bad('nul', 'pattern', '\u0000', 'a\u0000b'), ...taken('control', 'a\nb', '\u0085'), ...taken('escape', '\u001b[31m'),
  ...bad('surrogate', 'pattern', '\ud800', 'a\udc00'), ...taken('turn', '\u202e'), ...taken('marks', PILE), ...taken('markup', MARKUP[0]), ...taken('sql', ...SQL), ...taken('key', ...KEYS), ...taken('log', `\n${LOG}`), ...taken('prototype', ...PROTOTYPE),
  ...taken('nan', 'NaN', 'null'), ...taken('exponent', '1e1'), ...none('it is an id of its issuer', 'malformed', 'upper', 'unknown', 'foreign', 'cursor'), ...ofWhole, ...none('it is no token', 'forged', 'stale')
]
