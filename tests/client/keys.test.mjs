// API keys of both kinds, and tokens that must not open anything.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { es256, forge, hs256, read, unsigned } from '../support/tokens.mjs'
import { ask } from '../support/wire.mjs'

let app, ada
before(async () => {
  app = await library()
  ada = await person(app, 'ada')
})
after(() => app?.down())

test('keys have the forms that clients know', () => {
  assert.match(app.keys.publishable_key, /^sb_publishable_[\w-]{22}_[\w-]{8}$/)
  assert.match(app.keys.secret_key, /^sb_secret_[\w-]{22}_[\w-]{8}$/)
  assert.equal(read(app.keys.anon_key).claims.role, 'anon')
  assert.equal(read(app.keys.service_key).claims.role, 'service_role')
})

test('both kinds of both keys do the same', async () => {
  for (const [key, role] of [['publishable_key', 'anon'], ['anon_key', 'anon'], ['secret_key', 'service_role'], ['service_key', 'service_role']]) {
    const it = client(app, app.keys[key])
    assert.equal(ok(await it.rpc('who_am_i')).role, role, key)
    const users = await it.auth.admin.listUsers()
    assert.equal(users.error === null, role === 'service_role', key)
    ok(await it.auth.signInWithPassword({ email: ada.email, password: ada.password }))
    assert.equal(ok(await it.rpc('who_am_i')).uid, ada.id, key)
  }
})

test('a key may come in the query, and does not reach the data API there', async () => {
  const answer = await ask(app, `/rest/v1/books?select=id&limit=1&apikey=${app.keys.publishable_key}`, { key: null })
  assert.deepEqual(answer.body, [{ id: 1 }])
})

test('no key, a wrong key, a key that is a session: 401', async () => {
  for (const key of [null, 'x', '', 'sb_publishable_AAAAAAAAAAAAAAAAAAAAAA_AAAAAAAA', 'sb_secret_AAAAAAAAAAAAAAAAAAAAAA_AAAAAAAA', ada.session.access_token, `${app.keys.publishable_key}x`]) {
    for (const path of ['/rest/v1/books', '/auth/v1/settings']) {
      const answer = await ask(app, path, { key })
      assert.equal(answer.status, 401, `${path} with ${key}`)
      assert.equal(typeof answer.body.message, 'string')
    }
  }
})

test('the ways that carry no key need none', async () => {
  for (const path of ['/auth/v1/.well-known/jwks.json', '/health']) assert.equal((await ask(app, path, { key: null })).status, 200, path)
})

const forged = () => {
  const { head, claims } = read(ada.session.access_token)
  const server = { ...claims, role: 'service_role' }
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const jwk = { kty: 'EC', crv: 'P-256' }
  return {
    'alg none': unsigned(head, server),
    'alg None': ada.session.access_token.replace(/^[^.]+/, Buffer.from('{"alg":"None","typ":"JWT"}').toString('base64url')),
    'changed claims': forge(ada.session.access_token, { role: 'service_role' }),
    'no signature': ada.session.access_token.split('.').slice(0, 2).join('.') + '.',
    'another key of the same id': es256(head, server, stranger),
    'a key in the head': es256({ alg: 'ES256', jwk }, server, stranger),
    'an unknown key': es256({ kid: 'nobody' }, server, stranger),
    'HS256 with the public key as secret': hs256({ kid: head.kid }, server, JSON.stringify(jwk)),
    'HS256 with nothing as secret': hs256({}, server, ''),
    'kid that looks like SQL': es256({ kid: "' or 1=1 --" }, server, stranger),
    'kid that looks like a path': hs256({ kid: '/dev/null' }, server, ''),
    'three dots': '...',
    'not base64': 'a.b.c',
    'a huge one': `${'A'.repeat(20_000)}.${'B'.repeat(20_000)}.C`,
  }
}

test('forged tokens are 401 for data and 403 for auth', async () => {
  for (const [what, token] of Object.entries(forged())) {
    const data = await ask(app, '/rest/v1/books', { token })
    assert.equal(data.status, 401, `${what}: ${JSON.stringify(data.body)}`)
    assert.match(data.body.code ?? '', /^PGRST30[13]$/, what)
    assert.match(data.headers.get('www-authenticate'), /^Bearer error="invalid_token"/, what)
    const auth = await ask(app, '/auth/v1/user', { token })
    assert.ok([401, 403].includes(auth.status), `${what}: ${auth.status}`)
    const admin = await ask(app, '/auth/v1/admin/users', { token })
    assert.ok([401, 403].includes(admin.status), `${what}: ${admin.status}`)
  }
})

test('time is checked: expired, not yet valid', async () => {
  // a project with a shared secret, so that the test can sign
  const secret = 'a shared secret of the project, 32+'
  const other = await library({ env: { JWT_SECRET: secret } })
  try {
    const now = Math.floor(Date.now() / 1000)
    const claims = { role: 'authenticated', aud: 'authenticated', sub: ada.id, iat: now, exp: now + 60 }
    const token = (changes) => hs256({}, { ...claims, ...changes }, secret)
    const get = (changes) => ask(other, '/rest/v1/books?limit=1', { token: token(changes) })
    assert.equal((await get({})).status, 200)
    const expired = await get({ exp: now - 120 })
    assert.equal(expired.status, 401)
    assert.equal(expired.body.code, 'PGRST303')
    assert.equal(expired.body.message, 'JWT expired')
    assert.equal((await get({ nbf: now + 3600 })).status, 401)
    assert.equal((await get({ role: 'postgres' })).status >= 400, true)
    assert.equal((await get({ role: 'authenticator' })).status >= 400, true)
    assert.equal((await get({ role: 'nobody' })).status, 401)
    assert.equal((await get({ exp: 'soon' })).status, 401)
    const odd = await get({ sub: 'not a uuid' })
    assert.ok(odd.status < 500, String(odd.status))
  } finally {
    await other.down()
  }
})

test('a token outlives its account only as a token: auth refuses it at once', async () => {
  const bob = await person(app, 'bob')
  ok(await client(app, app.keys.secret_key).auth.admin.deleteUser(bob.id))
  assert.ok([401, 403, 404].includes((await bob.auth.getUser(bob.session.access_token)).error.status))
  assert.ok((await bob.auth.refreshSession(bob.session)).error)
})
