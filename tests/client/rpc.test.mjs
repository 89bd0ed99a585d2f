// Functions of the database.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, guest, ada
before(async () => {
  app = await library()
  guest = client(app)
  ada = await person(app, 'ada')
})
after(() => app?.down())

test('a value, by POST and by GET', async () => {
  assert.equal(ok(await guest.rpc('add_up', { a: 2, b: 3 })), 5)
  assert.equal(ok(await guest.rpc('add_up', { a: 2, b: -3 }, { get: true })), -1)
})

test('a function knows who calls', async () => {
  assert.deepEqual(ok(await guest.rpc('who_am_i')), { role: 'anon', uid: null })
  assert.deepEqual(ok(await ada.rpc('who_am_i')), { role: 'authenticated', uid: ada.id })
  assert.equal(ok(await client(app, app.keys.secret_key).rpc('who_am_i')).role, 'service_role')
})

test('rows of a function are filtered, ordered and embedded like a table', async () => {
  const rows = ok(await guest.rpc('books_by', { author: 'Stanisław Lem' }).select('title, genres(label)').gt('price', 7).order('id'))
  assert.deepEqual(rows, [{ title: 'Solaris', genres: [{ label: 'science fiction' }] }])
})

test('defaults, variadic arguments, a body of its own, nothing', async () => {
  assert.equal(ok(await ada.rpc('add_note', { slug: 'n1' })).body, 'empty')
  assert.equal(ok(await ada.rpc('add_note', { slug: 'n2', body: 'full' })).body, 'full')
  assert.equal((await ask(app, '/rest/v1/rpc/sum_all?numbers=1&numbers=2&numbers=39')).body, 42)
  assert.deepEqual((await ask(app, '/rest/v1/rpc/echo', { method: 'POST', body: { a: [1, { b: null }] } })).body, { a: [1, { b: null }] })
  const nothing = await ask(app, '/rest/v1/rpc/nothing', { method: 'POST', body: {} })
  assert.equal(nothing.status, 204)
  assert.equal(nothing.body, '')
})

test('GET cannot change anything', async () => {
  const answer = await ask(app, '/rest/v1/rpc/add_note?slug=get', { token: ada.session.access_token })
  assert.equal(answer.status, 405)
  assert.equal(answer.body.code, '25006')
})

test('what a function raises, the caller gets', async () => {
  const { error, status } = await guest.rpc('refuse', { why: 'because' })
  assert.equal(status, 400)
  assert.deepEqual({ ...error }, { code: 'P0001', message: 'because', details: 'a detail', hint: 'a hint' })
  const teapot = await ask(app, '/rest/v1/rpc/teapot', { method: 'POST', body: {} })
  assert.equal(teapot.status, 418)
  assert.equal(teapot.body.message, 'I am a teapot')
})

test('functions that are not there are told, with the nearest name', async () => {
  const { error, status } = await guest.rpc('ad_up', { a: 1, b: 2 })
  assert.equal(status, 404)
  assert.equal(error.code, 'PGRST202')
  assert.match(error.hint, /add_up/)
  assert.equal((await guest.rpc('add_up', { a: 1, c: 2 })).status, 404)
  const wrong = await guest.rpc('add_up', { a: 'x', b: 2 })
  assert.equal(wrong.status, 400)
  assert.equal(wrong.error.code, '22P02')
})
