// Writing rows of one's own.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, ada
before(async () => {
  app = await library()
  ada = await person(app, 'ada')
})
after(() => app?.down())

const notes = () => ada.from('notes')
const write = (path, options) => ask(app, `/rest/v1/${path}`, { token: ada.session.access_token, ...options })

test('insert answers with nothing, or with the row', async () => {
  const silent = await notes().insert({ slug: 'a' })
  assert.equal(silent.status, 201)
  assert.equal(silent.data, null)
  const row = ok(await notes().insert({ slug: 'b', body: 'text', stars: 4 }).select().single())
  assert.equal(row.user_id, ada.id)
  assert.equal(row.stars, 4)
})

test('insert of many is one transaction', async () => {
  const rows = ok(await notes().insert([{ slug: 'm1' }, { slug: 'm2', stars: 1 }]).select('slug, stars'))
  assert.deepEqual(rows, [{ slug: 'm1', stars: null }, { slug: 'm2', stars: 1 }])
  const { error, status } = await notes().insert([{ slug: 'm3' }, { slug: 'm3' }])
  assert.equal(status, 409)
  assert.equal(error.code, '23505')
  assert.deepEqual(ok(await notes().select('slug').eq('slug', 'm3')), [])
})

test('missing columns are null, or their default when asked', async () => {
  const nulls = await notes().insert([{ slug: 'd1', body: 'x' }, { slug: 'd2' }])
  assert.equal(nulls.error.code, '23502')
  const rows = ok(await notes().insert([{ slug: 'd1', body: 'x' }, { slug: 'd2' }], { defaultToNull: false }).select('body'))
  assert.deepEqual(rows, [{ body: 'x' }, { body: '' }])
})

test('headers-only tells where the row is', async () => {
  const answer = await write('notes', { method: 'POST', body: { slug: 'where' }, headers: { prefer: 'return=headers-only' } })
  assert.equal(answer.status, 201)
  assert.match(answer.headers.get('location'), /notes\?id=eq\.\d+$/)
})

test('related rows come back with a write', async () => {
  const row = ok(await ada.from('loans').insert({ book_id: 3, note: 'for the train' }).select('note, books(title, authors!author_id(name))').single())
  assert.deepEqual(row, { note: 'for the train', books: { title: 'Solaris', authors: { name: 'Stanisław Lem' } } })
})

test('upsert changes what is there, or leaves it', async () => {
  ok(await notes().insert({ slug: 'u', body: 'old' }))
  const merged = ok(await notes().upsert({ user_id: ada.id, slug: 'u', body: 'new' }, { onConflict: 'user_id,slug' }).select('body').single())
  assert.equal(merged.body, 'new')
  ok(await notes().upsert({ user_id: ada.id, slug: 'u', body: 'ignored' }, { onConflict: 'user_id,slug', ignoreDuplicates: true }))
  assert.equal(ok(await notes().select('body').eq('slug', 'u').single()).body, 'new')
})

test('update changes what the filter finds', async () => {
  ok(await notes().insert([{ slug: 'c1' }, { slug: 'c2' }]))
  const silent = await notes().update({ stars: 5 }).eq('slug', 'c1')
  assert.equal(silent.status, 204)
  assert.deepEqual(ok(await notes().update({ stars: 2 }).like('slug', 'c%').select('slug, stars').order('slug')), [{ slug: 'c1', stars: 2 }, { slug: 'c2', stars: 2 }])
  const nobody = await notes().update({ stars: 2 }).eq('slug', 'nothing').select()
  assert.equal(nobody.status, 200)
  assert.deepEqual(nobody.data, [])
})

test('delete removes what the filter finds', async () => {
  ok(await notes().insert([{ slug: 'x1' }, { slug: 'x2' }]))
  assert.equal((await notes().delete().eq('slug', 'x1')).status, 204)
  assert.deepEqual(ok(await notes().delete().eq('slug', 'x2').select('slug')), [{ slug: 'x2' }])
  const counted = await notes().delete({ count: 'exact' }).eq('slug', 'x1')
  assert.equal(counted.count, 0)
})

test('PUT writes the one row of its key', async () => {
  const id = 70_001
  const body = { id, slug: 'put', body: 'one', user_id: ada.id, stars: null }
  const made = await write(`notes?id=eq.${id}&select=body`, { method: 'PUT', body, headers: { prefer: 'return=representation' } })
  assert.equal(made.status, 201)
  assert.deepEqual(made.body, [{ body: 'one' }])
  assert.equal((await write(`notes?id=eq.${id}`, { method: 'PUT', body: { ...body, body: 'two' } })).status, 204)
  assert.equal((await write(`notes?id=eq.${id + 1}`, { method: 'PUT', body })).body.code, 'PGRST115')
  assert.equal(ok(await notes().select('body').eq('id', id).single()).body, 'two')
})

test('too many rows for the limit that was set are rolled back', async () => {
  ok(await notes().insert([{ slug: 'l1' }, { slug: 'l2' }]))
  const answer = await write('notes?slug=like.l*', { method: 'DELETE', headers: { prefer: 'handling=strict, max-affected=1' } })
  assert.equal(answer.status, 400)
  assert.equal(answer.body.code, 'PGRST124')
  assert.equal(ok(await notes().select('slug').like('slug', 'l%')).length, 2)
})

test('CSV and forms are bodies too', async () => {
  const csv = await write('notes?select=slug,stars', { method: 'POST', body: 'slug,stars\ncsv1,3\ncsv2,NULL', headers: { 'content-type': 'text/csv', prefer: 'return=representation' } })
  assert.deepEqual(csv.body, [{ slug: 'csv1', stars: 3 }, { slug: 'csv2', stars: null }])
  const form = await write('notes?select=slug,body', { method: 'POST', body: 'slug=form&body=a+b%26c', headers: { 'content-type': 'application/x-www-form-urlencoded', prefer: 'return=representation' } })
  assert.deepEqual(form.body, [{ slug: 'form', body: 'a b&c' }])
})

test('columns= leaves the rest of the body alone', async () => {
  const answer = await write('notes?columns=slug&select=slug,body', { method: 'POST', body: { slug: 'cols', body: 'not taken', junk: 1 }, headers: { prefer: 'return=representation' } })
  assert.deepEqual(answer.body, [{ slug: 'cols', body: '' }])
})

test('constraints answer with their SQLSTATE', async () => {
  for (const [row, status, code] of [
    [{ slug: 's', stars: 6 }, 400, '23514'],
    [{ slug: null }, 400, '23502'],
    [{ slug: 's', stars: 'many' }, 400, '22P02'],
    [{ slug: 's', id: '99999999999999999999' }, 400, '22003'],
  ]) {
    const answer = await notes().insert(row)
    assert.equal(answer.status, status, JSON.stringify(row))
    assert.equal(answer.error.code, code)
    assert.deepEqual(Object.keys(answer.error).sort(), ['code', 'details', 'hint', 'message'])
  }
  const foreign = await ada.from('loans').insert({ book_id: 999 })
  assert.equal(foreign.status, 409)
  assert.equal(foreign.error.code, '23503')
})

test('text survives as it was written', async () => {
  const text = 'quote \' " \\ newline \n tab \t emoji 🦑 ‮ zero\u200bwidth and ; drop table notes; --'
  const row = ok(await notes().insert({ slug: 'text', body: text }).select('body').single())
  assert.equal(row.body, text)
  assert.equal(ok(await notes().select('slug').eq('body', text).single()).slug, 'text')
})
