// Sign-up and sign-in through the client library.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app
before(async () => (app = await library()))
after(() => app?.down())

test('a new account is signed in at once and can sign in again', async () => {
  const ada = await person(app, 'ada')
  assert.equal(ada.session.token_type, 'bearer')
  assert.equal(ada.session.expires_in, 3600)
  const again = ok(await client(app).auth.signInWithPassword({ email: ada.email, password: ada.password }))
  assert.equal(again.user.id, ada.id)
  assert.equal(again.user.email, ada.email)
  assert.equal(again.user.identities.length, 1)
  assert.equal(again.user.identities[0].provider, 'email')
})

test('an address is the same in capitals', async () => {
  const ada = await person(app, 'capitals')
  const again = ok(await client(app).auth.signInWithPassword({ email: ada.email.toUpperCase(), password: ada.password }))
  assert.equal(again.user.id, ada.id)
})

test('metadata given on sign-up comes back', async () => {
  const { data, error } = await client(app).auth.signUp({ email: 'meta@example.com', password: 'a good password 1', options: { data: { name: 'Méta' } } })
  assert.equal(error, null)
  assert.deepEqual(data.user.user_metadata.name, 'Méta')
  assert.equal(data.user.app_metadata.provider, 'email')
})

test('a weak password is refused with its reasons', async () => {
  const { data, error } = await client(app).auth.signUp({ email: 'weak@example.com', password: '12345' })
  assert.equal(data.user, null)
  assert.equal(error.status, 422)
  assert.equal(error.code, 'weak_password')
  assert.deepEqual(error.reasons, ['length'])
})

test('what is no address is refused', async () => {
  for (const email of ['nobody', '@example.com', 'a@', 'a b@example.com', `${'a'.repeat(300)}@example.com`]) {
    const { error } = await client(app).auth.signUp({ email, password: 'a good password 1' })
    assert.equal(error?.status, 400, email)
  }
})

test('an address can be taken only once', async () => {
  const ada = await person(app, 'twice')
  const { error } = await client(app).auth.signUp({ email: ada.email, password: 'another password 1' })
  assert.equal(error.status, 422)
  assert.equal(error.code, 'user_already_exists')
})

test('a wrong password and an unknown account get the same answer', async () => {
  const ada = await person(app, 'same')
  const answer = async (email, password) => {
    const { status, body } = await ask(app, '/auth/v1/token?grant_type=password', { method: 'POST', body: { email, password } })
    return { status, body }
  }
  const wrong = await answer(ada.email, 'not her password')
  const unknown = await answer('nobody-at-all@example.com', 'not her password')
  assert.deepEqual(wrong, unknown)
  assert.equal(wrong.status, 400)
  assert.deepEqual(wrong.body, { code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' })
})

test('errors have the newer form for clients that ask for it', async () => {
  const answer = await ask(app, '/auth/v1/token?grant_type=password', {
    method: 'POST', body: { email: 'nobody@example.com', password: 'x' }, headers: { 'x-supabase-api-version': '2024-01-01' },
  })
  assert.deepEqual(answer.body, { code: 'invalid_credentials', message: 'Invalid login credentials' })
  assert.equal(answer.headers.get('x-supabase-api-version'), '2024-01-01')
})

test('anonymous sign-in is off, and says so', async () => {
  const { error } = await client(app).auth.signInAnonymously()
  assert.equal(error.status, 422)
  assert.equal(error.code, 'anonymous_provider_disabled')
})

test('mails are not sent, and whoever asks for one is told', async () => {
  const { error } = await client(app).auth.signInWithOtp({ email: 'otp@example.com' })
  assert.equal(error.status, 422)
  assert.equal(error.code, 'otp_disabled')
})

test('an unknown provider is refused', async () => {
  const answer = await ask(app, '/auth/v1/authorize?provider=nowhere', { key: null })
  assert.ok(answer.status === 400 || answer.status === 303, String(answer.status))
})

test('bodies that are no sign-in are 400', async () => {
  for (const body of ['', '{', '[]', '"x"', 'null', { email: 1, password: 'x' }, { email: 'a@example.com' }, { email: 'a@example.com', password: null }]) {
    const answer = await ask(app, '/auth/v1/token?grant_type=password', { method: 'POST', body })
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(typeof answer.body.error_code, 'string')
  }
  const grant = await ask(app, '/auth/v1/token?grant_type=magic', { method: 'POST', body: {} })
  assert.equal(grant.status, 400)
  assert.equal(grant.body.msg, 'unsupported_grant_type')
})
