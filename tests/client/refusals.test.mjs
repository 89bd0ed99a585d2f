// What is refused, and how: status, code and the four keys of the body.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, guest, ada
before(async () => {
  app = await library()
  guest = client(app)
  ada = await person(app, 'ada')
})
after(() => app?.down())

const refused = async (query, status, code) => {
  const answer = await query
  assert.equal(answer.error?.code, code, JSON.stringify(answer.error ?? answer.data))
  assert.equal(answer.status, status)
  assert.deepEqual(Object.keys(answer.error).sort(), ['code', 'details', 'hint', 'message'])
  return answer.error
}

test('an unknown table, with the nearest one', async () => {
  const error = await refused(guest.from('bookz').select(), 404, 'PGRST205')
  assert.equal(error.message, "Could not find the table 'public.bookz' in the schema cache")
  assert.match(error.hint, /public\.books/)
})

test('an unknown column, in any place', async () => {
  await refused(guest.from('books').select('nothing'), 400, '42703')
  await refused(guest.from('books').select('id').eq('nothing', 1), 400, '42703')
  await refused(guest.from('books').select('id').order('nothing'), 400, '42703')
  await refused(ada.from('notes').insert({ slug: 'x', nothing: 1 }), 400, 'PGRST204')
  await refused(ada.from('notes').update({ nothing: 1 }).eq('id', 1), 400, 'PGRST204')
})

test('an unknown schema', async () => {
  await refused(guest.schema('auth').from('users').select(), 406, 'PGRST106')
  await refused(guest.schema('pg_catalog').from('pg_class').select(), 406, 'PGRST106')
})

test('strangers write nothing: 401 for them, 403 for those who signed in', async () => {
  await refused(guest.from('notes').insert({ slug: 'x' }), 401, '42501')
  await refused(guest.from('books').insert({ title: 'x' }), 401, '42501')
  await refused(guest.from('books').update({ title: 'x' }).eq('id', 1), 401, '42501')
  await refused(guest.from('books').delete().eq('id', 1), 401, '42501')
  await refused(ada.from('books').insert({ title: 'x' }), 403, '42501')
  await refused(ada.from('books').delete().eq('id', 1), 403, '42501')
})

test('a table without row-level security is closed to everybody but the server', async () => {
  await refused(guest.from('closed_ledger').select(), 401, '42501')
  await refused(ada.from('closed_ledger').select(), 403, '42501')
  await refused(ada.from('closed_ledger').insert({ id: 1 }), 403, '42501')
  const server = client(app, app.keys.secret_key)
  assert.equal((await server.from('closed_ledger').insert({ id: 1, entry: 'x' })).status, 201)
  assert.equal((await server.from('closed_ledger').select()).data.length, 1)
})

test('a value of the wrong type', async () => {
  await refused(guest.from('books').select().eq('id', 'x'), 400, '22P02')
  await refused(guest.from('books').select().eq('added_at', 'yesterdayish'), 400, '22007')
  await refused(guest.from('loans').select().eq('user_id', 'me'), 400, '22P02')
})

test('a query that cannot be read', async () => {
  for (const query of ['id=1', 'id=what.1', 'select=id,', 'select=a(b', 'or=(id.eq.1', 'or=()', 'and=id.eq.1', 'order=id.sideways', 'id=in.1,2', 'id=is.maybe']) {
    const answer = await ask(app, `/rest/v1/books?${query}`)
    assert.equal(answer.status, 400, `${query} → ${answer.status} ${JSON.stringify(answer.body)}`)
    assert.match(answer.body.code, /^(PGRST|22|42)/, query)
    assert.deepEqual(Object.keys(answer.body).sort(), ['code', 'details', 'hint', 'message'])
  }
})

test('a path, a method, a media type that are not there', async () => {
  assert.equal((await ask(app, '/rest/v1/books/1')).body.code, 'PGRST125')
  assert.equal((await ask(app, '/rest/v1/books', { method: 'PROPFIND' })).status, 405)
  assert.equal((await ask(app, '/rest/v1/rpc/add_up', { method: 'DELETE' })).status, 405)
  const media = await ask(app, '/rest/v1/books', { headers: { accept: 'image/png' } })
  assert.equal(media.status, 406)
  assert.equal(media.body.code, 'PGRST107')
  const body = await ask(app, '/rest/v1/notes', { method: 'POST', body: 'x', token: ada.session.access_token, headers: { 'content-type': 'image/png' } })
  assert.ok([400, 406, 415].includes(body.status), String(body.status))
})

test('errors carry the code for proxies and challenge for the token', async () => {
  const missing = await ask(app, '/rest/v1/bookz')
  assert.equal(missing.headers.get('proxy-status'), 'PostgREST; error=PGRST205')
  const closed = await ask(app, '/rest/v1/closed_ledger')
  assert.equal(closed.headers.get('www-authenticate'), 'Bearer')
})

test('unknown preferences are passed over, unless strict', async () => {
  assert.equal((await ask(app, '/rest/v1/books?select=id', { headers: { prefer: 'count=sometimes' } })).status, 200)
  const strict = await ask(app, '/rest/v1/books?select=id', { headers: { prefer: 'handling=strict, anything=1' } })
  assert.equal(strict.status, 400)
  assert.equal(strict.body.code, 'PGRST122')
})

test('paths outside every role are 404, without a stack or a name of a file', async () => {
  for (const path of ['/rest/v2/books', '/storage/v1/bucket', '/functions/v1/x', '/graphql/v1', '/metrics', '/livez', '/readyz', '/admin', '/.mainstay/secrets.json', '/mainstay.toml', '/migrations/0001_library.sql', '/.git/config', '/..%2f..%2fetc/passwd', '/%2e%2e/mainstay.toml']) {
    const answer = await ask(app, path)
    assert.equal(answer.status, 404, `${path} → ${answer.status}`)
    assert.doesNotMatch(JSON.stringify(answer.body), /secret|panicked|\.rs/)
  }
})
