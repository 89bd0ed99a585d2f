// Two people side by side: every table with private rows, every method, and nobody sees or changes what is another's.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { forge } from '../support/tokens.mjs'
import { ask } from '../support/wire.mjs'

// table → a row of one's own, and a change to it
const PRIVATE = {
  notes: { row: (n) => ({ slug: `private-${n}` }), change: { body: 'changed' } },
  loans: { row: () => ({ book_id: 3 }), change: { note: 'changed' } },
}

let app, ada, bob, server, mine
before(async () => {
  app = await library()
  ;[ada, bob] = [await person(app, 'ada'), await person(app, 'bob')]
  server = client(app, app.keys.secret_key)
  mine = {}
  for (const [table, { row }] of Object.entries(PRIVATE)) {
    mine[table] = ok(await ada.from(table).insert(row(1)).select('id').single()).id
    ok(await bob.from(table).insert(row(2)))
  }
})
after(() => app?.down())

const untouched = async (table) => {
  const row = ok(await server.from(table).select('*').eq('id', mine[table]).single())
  assert.equal(row.user_id, ada.id)
  assert.notEqual(row.body ?? row.note, 'changed')
}

test('every table with an owner is in this test', async () => {
  const { body } = await ask(app, '/rest/v1/', { key: app.keys.secret_key })
  const owned = Object.entries(body.definitions).filter(([, table]) => table.properties.user_id).map(([name]) => name)
  assert.deepEqual(owned.sort(), Object.keys(PRIVATE).sort())
})

for (const [table, { row, change }] of Object.entries(PRIVATE)) {
  test(`${table}: each sees their own rows, strangers none`, async () => {
    for (const [who, count] of [[ada, 1], [bob, 1], [client(app), 0]]) {
      const rows = ok(await who.from(table).select('user_id'))
      assert.equal(rows.length, count)
      for (const found of rows) assert.equal(found.user_id, who.id)
    }
    assert.equal(ok(await server.from(table).select('id')).length, 2)
    assert.deepEqual(ok(await bob.from(table).select().eq('id', mine[table])), [])
    assert.equal((await bob.from(table).select('*', { count: 'exact', head: true })).count, 1)
    assert.deepEqual(ok(await bob.from(table).select().or(`id.eq.${mine[table]},user_id.eq.${ada.id}`)), [])
  })

  test(`${table}: nobody changes or deletes another's row`, async () => {
    for (const who of [bob, client(app)]) {
      assert.deepEqual(ok(await who.from(table).update(change).eq('id', mine[table]).select()), [])
      assert.deepEqual(ok(await who.from(table).delete().eq('id', mine[table]).select()), [])
      await untouched(table)
    }
  })

  test(`${table}: nobody writes in another's name, or gives a row away`, async () => {
    for (const attempt of [
      bob.from(table).insert({ ...row(3), user_id: ada.id }),
      bob.from(table).upsert({ ...row(1), id: mine[table], user_id: ada.id, ...change }),
      bob.from(table).upsert({ ...row(1), id: mine[table], ...change }),
      bob.from(table).update({ user_id: ada.id }).eq('user_id', bob.id),
    ]) {
      const { error, status } = await attempt
      assert.equal(error?.code, '42501')
      assert.equal(status, 403)
    }
    const put = await ask(app, `/rest/v1/${table}?id=eq.${mine[table]}`, { method: 'PUT', token: bob.session.access_token, body: { id: mine[table], user_id: ada.id, ...row(1), ...change } })
    assert.ok(put.status >= 400, String(put.status))
    await untouched(table)
    assert.equal(ok(await server.from(table).select('id').eq('user_id', ada.id)).length, 1)
  })

  test(`${table}: a changed token opens nothing`, async () => {
    for (const changes of [{ sub: ada.id }, { role: 'service_role' }, { sub: ada.id, role: 'postgres' }]) {
      const answer = await ask(app, `/rest/v1/${table}`, { token: forge(bob.session.access_token, changes) })
      assert.equal(answer.status, 401)
      assert.equal(answer.body.code, 'PGRST301')
    }
  })
}

test('private rows are not reached through public ones', async () => {
  const rows = ok(await bob.from('books').select('id, loans(user_id)').eq('id', 3))
  assert.deepEqual(rows[0].loans.map((loan) => loan.user_id), [bob.id])
  assert.deepEqual(ok(await client(app).from('books').select('id, loans(id)').eq('id', 3)), [{ id: 3, loans: [] }])
  assert.deepEqual(ok(await bob.from('books').select('id, loans!inner(user_id)').eq('loans.user_id', ada.id)), [])
})

test('a header cannot change who somebody is', async () => {
  for (const headers of [{ 'x-user-id': ada.id }, { role: 'service_role' }, { 'x-forwarded-user': ada.email }, { prefer: 'tx=commit, role=service_role' }]) {
    const { body } = await ask(app, '/rest/v1/notes?select=user_id', { token: bob.session.access_token, headers })
    assert.deepEqual(body, [{ user_id: bob.id }])
  }
})

test('a hundred requests of both at once are never mixed up', async () => {
  await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const who = i % 2 ? ada : bob
    assert.equal(ok(await who.rpc('who_am_i')).uid, who.id)
    assert.deepEqual(ok(await who.from('notes').select('user_id')), [{ user_id: who.id }])
  }))
})

test('who is deleted takes the private rows along', async () => {
  const carol = await person(app, 'carol')
  ok(await carol.from('notes').insert({ slug: 'gone' }))
  ok(await server.auth.admin.deleteUser(carol.id))
  assert.deepEqual(ok(await server.from('notes').select().eq('user_id', carol.id)), [])
})
