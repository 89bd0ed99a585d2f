// What a project's own server does with the secret key.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, server
before(async () => {
  app = await library()
  server = client(app, app.keys.secret_key)
})
after(() => app?.down())

test('an account is created, read, changed and deleted', async () => {
  const { user } = ok(await server.auth.admin.createUser({ email: 'made@example.com', password: 'made by the server', email_confirm: true, user_metadata: { a: 1 }, app_metadata: { plan: 'gold' } }))
  assert.equal(ok(await server.auth.admin.getUserById(user.id)).user.app_metadata.plan, 'gold')
  ok(await client(app).auth.signInWithPassword({ email: 'made@example.com', password: 'made by the server' }))
  const changed = ok(await server.auth.admin.updateUserById(user.id, { email: 'changed@example.com', password: 'another password 1' })).user
  assert.equal(changed.email, 'changed@example.com')
  ok(await client(app).auth.signInWithPassword({ email: 'changed@example.com', password: 'another password 1' }))
  ok(await server.auth.admin.deleteUser(user.id))
  const gone = await server.auth.admin.getUserById(user.id)
  assert.equal(gone.error.status, 404)
  assert.equal(gone.error.code, 'user_not_found')
})

test('an address cannot be given twice', async () => {
  const ada = await person(app)
  const { error } = await server.auth.admin.createUser({ email: ada.email, password: 'another password 1' })
  assert.equal(error.status, 422)
  assert.equal(error.code, 'email_exists')
})

test('an account that is not confirmed cannot sign in', async () => {
  ok(await server.auth.admin.createUser({ email: 'later@example.com', password: 'a good password 1' }))
  const { error } = await client(app).auth.signInWithPassword({ email: 'later@example.com', password: 'a good password 1' })
  assert.equal(error.code, 'email_not_confirmed')
})

test('a banned account cannot sign in until the ban is lifted', async () => {
  const ada = await person(app)
  ok(await server.auth.admin.updateUserById(ada.id, { ban_duration: '1h' }))
  assert.equal((await client(app).auth.signInWithPassword(ada)).error.code, 'user_banned')
  ok(await server.auth.admin.updateUserById(ada.id, { ban_duration: 'none' }))
  ok(await client(app).auth.signInWithPassword({ email: ada.email, password: ada.password }))
})

test('accounts are listed in pages', async () => {
  for (let i = 0; i < 5; i++) await person(app, `page${i}`)
  const all = ok(await server.auth.admin.listUsers({ page: 1, perPage: 1000 })).users
  const seen = []
  for (let page = 1; ; page++) {
    const answer = ok(await server.auth.admin.listUsers({ page, perPage: 3 }))
    assert.ok(answer.users.length <= 3)
    assert.equal(answer.total, all.length)
    seen.push(...answer.users.map((user) => user.id))
    if (!answer.nextPage) break
  }
  assert.deepEqual(seen.sort(), all.map((user) => user.id).sort())
})

test('a link made by the server signs its holder in, once', async () => {
  const ada = await person(app)
  const { properties } = ok(await server.auth.admin.generateLink({ type: 'magiclink', email: ada.email }))
  assert.match(properties.action_link, /\/auth\/v1\/verify\?/)
  const holder = client(app)
  const { user, session } = ok(await holder.auth.verifyOtp({ type: 'magiclink', token_hash: properties.hashed_token }))
  assert.equal(user.id, ada.id)
  assert.ok(session.access_token)
  const again = await client(app).auth.verifyOtp({ type: 'magiclink', token_hash: properties.hashed_token })
  assert.equal(again.error.status, 403)
  assert.equal(again.error.code, 'otp_expired')
})

test('the code of a recovery link works with the address, and allows a new password', async () => {
  const ada = await person(app)
  const { properties } = ok(await server.auth.admin.generateLink({ type: 'recovery', email: ada.email }))
  assert.match(properties.email_otp, /^\d{6,}$/)
  const wrong = properties.email_otp === '000000' ? '000001' : '000000'
  assert.equal((await client(app).auth.verifyOtp({ type: 'recovery', email: ada.email, token: wrong })).error.status, 403)
  const holder = client(app)
  ok(await holder.auth.verifyOtp({ type: 'recovery', email: ada.email, token: properties.email_otp }))
  ok(await holder.auth.updateUser({ password: 'recovered password 3' }))
  ok(await client(app).auth.signInWithPassword({ email: ada.email, password: 'recovered password 3' }))
})

test('an action link redirects to the project with a session, and never elsewhere', async () => {
  const ada = await person(app)
  const { properties } = ok(await server.auth.admin.generateLink({ type: 'magiclink', email: ada.email, options: { redirectTo: 'https://evil.example/' } }))
  const link = new URL(properties.action_link)
  const answer = await ask(app, link.pathname + link.search, { key: null })
  assert.equal(answer.status, 303)
  const target = new URL(answer.headers.get('location'))
  assert.equal(target.origin, app.url)
  assert.ok(new URLSearchParams(target.hash.slice(1)).get('access_token'))
})

test('without the secret key nothing of this is to be had', async () => {
  const ada = await person(app)
  for (const it of [client(app), ada]) {
    for (const attempt of [
      () => it.auth.admin.listUsers(),
      () => it.auth.admin.createUser({ email: 'x@example.com', password: 'a good password 1' }),
      () => it.auth.admin.getUserById(ada.id),
      () => it.auth.admin.updateUserById(ada.id, { role: 'service_role' }),
      () => it.auth.admin.deleteUser(ada.id),
      () => it.auth.admin.generateLink({ type: 'magiclink', email: ada.email }),
    ]) {
      const { error } = await attempt()
      assert.ok([401, 403].includes(error?.status), `${attempt} → ${error?.status}`)
    }
  }
  ok(await client(app).auth.signInWithPassword({ email: ada.email, password: ada.password }))
})
