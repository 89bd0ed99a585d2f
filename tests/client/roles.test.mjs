// The same binary in parts: auth and data as processes of their own with least rights, a gateway in front that reaches
// them by URL. Callers see no difference.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { serve } from '../support/serve.mjs'
import { isSignedBy, read } from '../support/tokens.mjs'
import { ask } from '../support/wire.mjs'

let whole, auth, data, gateway
before(async () => {
  whole = await library()
  const secrets = JSON.parse(await readFile(path.join(whole.dir, '.mainstay/secrets.json'), 'utf8'))
  const { port } = new URL(whole.keys.database_url)
  const database = (user, password) => `postgresql://${user}:${password}@127.0.0.1:${port}/postgres?sslmode=disable`
  const keys = {
    MAINSTAY_IDENTITY_JWT_KEYS: secrets.jwt_keys, MAINSTAY_IDENTITY_JWT_SECRET: secrets.jwt_secret,
    MAINSTAY_IDENTITY_PUBLISHABLE_KEY: secrets.publishable_key, MAINSTAY_IDENTITY_SECRET_KEY: secrets.secret_key,
  }
  ;[auth, data] = await Promise.all([
    serve('auth', { ...keys, DATABASE_URL: database('supabase_auth_admin', secrets.database_auth_password), MAINSTAY_AUTH_SITE_URL: whole.url }),
    serve('data', { ...keys, DATABASE_URL: database('authenticator', secrets.database_authenticator_password) }),
  ])
  gateway = await serve('gateway', { ...keys, MAINSTAY_GATEWAY_AUTH_URL: auth.url, MAINSTAY_GATEWAY_DATA_URL: data.url })
  gateway.keys = { ...whole.keys, url: gateway.url }
})
after(async () => {
  await Promise.all([gateway, auth, data].map((it) => it?.down()))
  await whole?.down()
})

test('sign-up, sign-in, a refresh, the public keys', async () => {
  const ada = await person(gateway, 'ada')
  const again = ok(await client(gateway).auth.signInWithPassword({ email: ada.email, password: ada.password }))
  assert.equal(again.user.id, ada.id)
  const { body } = await ask(gateway, '/auth/v1/.well-known/jwks.json', { key: null })
  assert.ok(isSignedBy(again.session.access_token, body))
  ok(await ada.auth.refreshSession())
  ok(await ada.auth.signOut())
})

test('rows of both owners, embeds, counts, writes and functions', async () => {
  const [ada, bob] = [await person(gateway, 'ada'), await person(gateway, 'bob')]
  ok(await ada.from('notes').insert({ slug: 'mine' }))
  assert.deepEqual(ok(await bob.from('notes').select()), [])
  assert.equal(ok(await ada.from('notes').select('slug').single()).slug, 'mine')
  const page = await client(gateway).from('books').select('title, authors!author_id(name)', { count: 'exact' }).order('id').range(0, 1)
  assert.equal(page.status, 206)
  assert.equal(page.count, 6)
  assert.equal(page.data[0].authors.name, 'Ursula K. Le Guin')
  assert.equal(ok(await ada.rpc('who_am_i')).uid, ada.id)
  assert.equal((await client(gateway).from('closed_ledger').select()).status, 401)
})

test('answers are the same as those of the one process, to the byte', async () => {
  for (const [path, options] of [
    ['/rest/v1/books?select=*,authors!author_id(*)&order=id', {}],
    ['/rest/v1/books?select=id&limit=2', { headers: { prefer: 'count=exact' } }],
    ['/rest/v1/bookz', {}],
    ['/rest/v1/books?select=', { headers: { accept: 'text/csv' } }],
    ['/rest/v1/rpc/add_up', { method: 'POST', body: { a: 1, b: 2 } }],
    ['/rest/v1/closed_ledger', {}],
    ['/auth/v1/token?grant_type=password', { method: 'POST', body: { email: 'nobody@example.com', password: 'x' } }],
    ['/auth/v1/.well-known/jwks.json', {}],
    ['/rest/v1/books', { key: null }],
    ['/nowhere', {}],
  ]) {
    const [one, parts] = [await ask(whole, path, options), await ask(gateway, path, options)]
    assert.equal(parts.status, one.status, path)
    if (path !== '/nowhere') assert.deepEqual(parts.body, one.body, path)
    for (const name of ['content-type', 'content-range', 'content-location', 'proxy-status', 'www-authenticate', 'x-sb-error-code']) assert.equal(parts.headers.get(name), one.headers.get(name), `${name} of ${path}`)
  }
})

test('a part checks tokens itself: being inside proves nothing', async () => {
  const ada = await person(gateway, 'ada')
  assert.equal((await ask(data, '/notes', { key: null, token: `${ada.session.access_token}x` })).status, 401)
  const own = await ask(data, '/rest/v1/rpc/who_am_i', { key: null, token: ada.session.access_token, method: 'POST', body: {} })
  assert.equal(own.body.uid, ada.id)
  const stranger = await ask(data, '/rest/v1/notes', { key: null, headers: { 'x-user-id': ada.id, 'x-role': 'service_role' } })
  assert.deepEqual(stranger.body, [])
})

test('each part has its own probes and metrics', async () => {
  for (const [it, role] of [[auth, 'auth'], [data, 'data'], [gateway, 'gateway']]) {
    const ready = await fetch(`${it.admin}/readyz`)
    assert.equal(ready.status, 200)
    assert.deepEqual(Object.keys((await ready.json()).roles), [role])
    assert.match(await (await fetch(`${it.admin}/metrics`)).text(), /^# HELP/m)
  }
})

test('a token of one part is good in the other, with the same key id', async () => {
  const [one, parts] = [await person(whole, 'one'), await person(gateway, 'parts')]
  assert.equal(read(one.session.access_token).head.kid, read(parts.session.access_token).head.kid)
  assert.equal((await ask(whole, '/rest/v1/rpc/who_am_i', { method: 'POST', body: {}, token: parts.session.access_token })).body.uid, parts.id)
})

test('a part that is away is 502 or 503, and back when it is back', async () => {
  const url = new URL(data.url)
  await data.down()
  const away = await ask(gateway, '/rest/v1/books')
  assert.ok([502, 503].includes(away.status), String(away.status))
  assert.ok(typeof away.body.message === 'string')
  assert.equal((await ask(gateway, '/auth/v1/settings')).status, 200)
  assert.ok(url)
})

test('bad roles and a missing database are told', async () => {
  await assert.rejects(serve('nonsense', {}), /\((2|64)\)[\s\S]*nonsense[\s\S]*gateway, auth, data, portal/)
  await assert.rejects(serve('data', { JWT_SECRET: 'x'.repeat(40) }), /\(64\)[\s\S]*DATABASE_URL/)
})
