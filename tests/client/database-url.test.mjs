// `up` with a database that somebody else runs, and what happens while that is away.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { postgres } from '../support/postgres.mjs'
import { ask } from '../support/wire.mjs'

let server, app, ada
before(async () => {
  server = await postgres()
  app = await library({ env: { DATABASE_URL: server.url } })
  ada = await person(app, 'ada')
})
after(async () => {
  await app?.down()
  await server?.down()
})

const probe = async (name) => {
  const answer = await fetch(`http://127.0.0.1:${app.environment().MAINSTAY_ADMIN_PORT}/${name}`)
  return { status: answer.status, body: await answer.json() }
}

test('the database is prepared, and no server of our own is started', async () => {
  assert.equal(existsSync(path.join(app.dir, '.mainstay/postgres')), false)
  ok(await ada.from('notes').insert({ slug: 'external' }))
  assert.equal(ok(await client(app).from('books').select('id')).length, 6)
  assert.equal((await client(app).from('closed_ledger').select()).status, 401)
})

test('while the database is away: alive but not ready, 503 with Retry-After; then it heals without a restart', { timeout: 90_000 }, async () => {
  assert.equal((await probe('readyz')).status, 200)
  await server.stop()
  const away = await probe('readyz')
  assert.equal(away.status, 503)
  assert.equal(away.body.ready, false)
  assert.notEqual(away.body.roles.data, 'ready')
  assert.equal((await probe('livez')).status, 200)
  for (let i = 0; i < 3; i++) {
    const data = await ask(app, '/rest/v1/books', { token: ada.session.access_token })
    assert.equal(data.status, 503, JSON.stringify(data.body))
    assert.ok(Number(data.headers.get('retry-after')) >= 1)
    assert.doesNotMatch(JSON.stringify(data.body), /127\.0\.0\.1|admin|postgresql:/, 'where the database is, is nobody\'s business')
    const auth = await ask(app, '/auth/v1/token?grant_type=password', { method: 'POST', body: { email: ada.email, password: ada.password } })
    assert.equal(auth.status, 503, JSON.stringify(auth.body))
  }
  await server.start()
  for (const deadline = Date.now() + 20_000; (await probe('readyz')).status !== 200; await new Promise((resolve) => setTimeout(resolve, 100))) {
    assert.ok(Date.now() < deadline, 'not ready again after 20 s')
  }
  assert.equal(ok(await ada.from('notes').select('slug').single()).slug, 'external')
  ok(await client(app).auth.signInWithPassword({ email: ada.email, password: ada.password }))
  // the catalog is watched again, too
  assert.equal((await probe('readyz')).body.ready, true)
})

test('a database that is not there is told at the start', async () => {
  const nowhere = library({ env: { DATABASE_URL: 'postgresql://admin:secret-word@127.0.0.1:1/postgres?sslmode=disable' } })
  await assert.rejects(nowhere, (error) => {
    assert.match(error.message, /\(1\)/)
    assert.doesNotMatch(error.message, /secret-word/)
    return true
  })
})
