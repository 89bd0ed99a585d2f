// What a session is, how it is renewed, and how it ends.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { isSignedBy, read } from '../support/tokens.mjs'
import { ask } from '../support/wire.mjs'

let app
before(async () => (app = await library({ env: { MAINSTAY_AUTH_REFRESH_TOKEN_REUSE_INTERVAL: '0s' } })))
after(() => app?.down())

const refresh = (token) => ask(app, '/auth/v1/token?grant_type=refresh_token', { method: 'POST', body: { refresh_token: token } })

test('a token has the claims that clients and policies read', async () => {
  const ada = await person(app)
  const { head, claims } = read(ada.session.access_token)
  assert.equal(head.alg, 'ES256')
  assert.equal(typeof head.kid, 'string')
  assert.equal(claims.sub, ada.id)
  assert.equal(claims.aud, 'authenticated')
  assert.equal(claims.role, 'authenticated')
  assert.equal(claims.email, ada.email)
  assert.equal(claims.exp - claims.iat, 3600)
  assert.equal(claims.aal, 'aal1')
  assert.equal(claims.is_anonymous, false)
  assert.equal(claims.amr[0].method, 'password')
  assert.match(claims.session_id, /^[0-9a-f-]{36}$/)
  assert.match(claims.iss, /\/auth\/v1$/)
  assert.deepEqual(claims.app_metadata, { provider: 'email', providers: ['email'] })
})

test('anybody can verify a token with the published keys', async () => {
  const ada = await person(app)
  const { body, headers } = await ask(app, '/auth/v1/.well-known/jwks.json', { key: null })
  assert.match(headers.get('cache-control'), /max-age/)
  assert.ok(isSignedBy(ada.session.access_token, body))
  for (const key of body.keys) assert.equal(key.d, undefined, 'a private key was published')
  const { data, error } = await ada.auth.getClaims()
  assert.equal(error, null)
  assert.equal(data.claims.sub, ada.id)
  assert.equal(data.header.alg, 'ES256')
})

test('getUser tells who is signed in, and nobody else', async () => {
  const ada = await person(app)
  assert.equal(ok(await ada.auth.getUser()).user.email, ada.email)
  const { error } = await client(app).auth.getUser('not.a.token')
  assert.equal(error.status, 403)
  assert.equal(error.code, 'bad_jwt')
  assert.equal((await ask(app, '/auth/v1/user')).body.error_code, 'bad_jwt', 'the publishable key is nobody')
})

test('metadata and password can be changed', async () => {
  const ada = await person(app)
  const { user } = ok(await ada.auth.updateUser({ data: { name: 'Ada', nested: { a: [1] } } }))
  assert.deepEqual(user.user_metadata.nested, { a: [1] })
  assert.equal((await ada.auth.updateUser({ password: ada.password })).error.code, 'same_password')
  ok(await ada.auth.updateUser({ password: 'a better password 2' }))
  assert.equal((await client(app).auth.signInWithPassword({ email: ada.email, password: ada.password })).error.code, 'invalid_credentials')
  ok(await client(app).auth.signInWithPassword({ email: ada.email, password: 'a better password 2' }))
})

test('people cannot make themselves more than they are', async () => {
  const ada = await person(app)
  await ask(app, '/auth/v1/user', { method: 'PUT', token: ada.session.access_token, body: { role: 'service_role', app_metadata: { admin: true }, data: { x: 1 } } })
  const { user } = ok(await ada.auth.getUser())
  assert.equal(user.role, 'authenticated')
  assert.equal(user.app_metadata.admin, undefined)
})

test('a refresh gives a new pair, and the old token is worth nothing', async () => {
  const ada = await person(app)
  const fresh = await refresh(ada.session.refresh_token)
  assert.equal(fresh.status, 200)
  assert.notEqual(fresh.body.refresh_token, ada.session.refresh_token)
  assert.equal(read(fresh.body.access_token).claims.session_id, read(ada.session.access_token).claims.session_id)
})

test('a replaced token that comes back late ends the session for thief and owner', async () => {
  const ada = await person(app)
  const first = await refresh(ada.session.refresh_token)
  const second = await refresh(first.body.refresh_token)
  assert.equal(second.status, 200)
  const stolen = await refresh(ada.session.refresh_token)
  assert.equal(stolen.status, 400)
  assert.equal(stolen.body.error_code, 'refresh_token_already_used')
  const owner = await refresh(second.body.refresh_token)
  assert.equal(owner.status, 400)
  const gone = await ask(app, '/auth/v1/user', { token: second.body.access_token })
  assert.equal(gone.status, 403)
  assert.equal(gone.body.error_code, 'session_not_found')
})

test('twenty refreshes at once are answered, and the session lives on', async () => {
  const ada = await person(app)
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(ada.session.refresh_token)))
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200])
  assert.equal(new Set(answers.map((answer) => answer.body.refresh_token)).size, 1)
  assert.equal((await refresh(answers[0].body.refresh_token)).status, 200)
})

test('an unknown refresh token is refused', async () => {
  for (const token of ['', 'x', 'A'.repeat(500), '../../etc/passwd', "' or 1=1 --"]) {
    const answer = await refresh(token)
    assert.equal(answer.status, 400, token)
  }
  assert.equal((await refresh('abcdefghijkl')).body.error_code, 'refresh_token_not_found')
})

test('signing out locally leaves other sessions, globally none', async () => {
  const ada = await person(app)
  const signIn = async () => {
    const it = client(app)
    ok(await it.auth.signInWithPassword({ email: ada.email, password: ada.password }))
    return Object.assign(it, { token: (await it.auth.getSession()).data.session.access_token })
  }
  const alive = async (it) => (await ask(app, '/auth/v1/user', { token: it.token })).status === 200
  const [phone, laptop, tablet] = [await signIn(), await signIn(), await signIn()]
  assert.equal((await phone.auth.signOut({ scope: 'local' })).error, null)
  assert.deepEqual([await alive(phone), await alive(laptop), await alive(tablet)], [false, true, true])
  assert.equal((await laptop.auth.signOut({ scope: 'others' })).error, null)
  assert.deepEqual([await alive(laptop), await alive(tablet)], [true, false])
  assert.equal((await laptop.auth.signOut({ scope: 'global' })).error, null)
  assert.equal(await alive(laptop), false)
})
