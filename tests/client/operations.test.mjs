// What operators look at: metrics, probes, logs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { client, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, ada, admin
before(async () => {
  app = await library()
  ada = await person(app, 'ada')
  await client(app).from('books').select()
  await client(app).from('bookz').select()
  admin = JSON.parse((await app.command(['status', app.dir, '--json'])).stdout).admin_url
})
after(() => app?.down())

test('metrics are in the format of Prometheus', async (t) => {
  const answer = await fetch(`${admin}/metrics`)
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  const text = await answer.text()
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  if (promtool.error) t.diagnostic('promtool is not here; the own check alone')
  else assert.equal(promtool.status, 0, promtool.stdout + promtool.stderr)
  const families = new Map()
  for (const line of text.trimEnd().split('\n')) {
    const meta = line.match(/^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/)
    if (meta) {
      const family = families.get(meta[2]) ?? {}
      assert.equal(family[meta[1]], undefined, `${meta[1]} of ${meta[2]} twice`)
      families.set(meta[2], { ...family, [meta[1]]: meta[3] })
      continue
    }
    const sample = line.match(/^([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/)
    assert.ok(sample, `cannot be read: ${line}`)
    const family = families.get(sample[1]) ?? families.get(sample[1].replace(/_(bucket|sum|count)$/, ''))
    assert.ok(family?.HELP && family.TYPE, `no HELP or TYPE before ${line}`)
    if (family.TYPE === 'counter') assert.match(sample[1], /_total$/)
  }
  for (const name of families.keys()) assert.match(name, /^(mainstay|process|http)_/)
  assert.ok([...families.keys()].some((name) => name.includes('request')))
})

test('metrics never name people, keys or values', async () => {
  const text = await (await fetch(`${admin}/metrics`)).text()
  for (const secret of [ada.email, ada.id, app.keys.publishable_key, app.keys.secret_key, 'bookz']) assert.ok(!text.includes(secret), secret)
})

test('a label set does not grow with what strangers ask', async () => {
  const lines = async () => (await (await fetch(`${admin}/metrics`)).text()).split('\n').length
  const before = await lines()
  await Promise.all(Array.from({ length: 50 }, (_, i) => ask(app, `/rest/v1/unknown_${i}?x=eq.${i}`)))
  await Promise.all(Array.from({ length: 50 }, (_, i) => ask(app, `/nowhere/${i}`)))
  assert.ok((await lines()) - before < 40)
})

test('probes: alive, ready, and nothing else on the admin address', async () => {
  assert.deepEqual(await (await fetch(`${admin}/livez`)).json(), { alive: true })
  const ready = await (await fetch(`${admin}/readyz`)).json()
  assert.equal(ready.ready, true)
  assert.deepEqual(ready.roles, { gateway: 'ready', auth: 'ready', data: 'ready', portal: 'ready' })
  assert.equal((await fetch(`${admin}/rest/v1/books`)).status, 404)
})

test('every answer has a request id and the headers of a careful server', async () => {
  const answer = await ask(app, '/rest/v1/books?limit=1')
  assert.match(answer.headers.get('x-request-id'), /^[\w-]{8,}$/)
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(answer.headers.get('server'), null)
  const own = await ask(app, '/rest/v1/books?limit=1', { headers: { 'x-request-id': 'from-the-client-1' } })
  assert.ok(own.headers.get('x-request-id'))
})

test('browsers of other origins may call the API, with the headers that clients send', async () => {
  const preflight = await ask(app, '/rest/v1/books', {
    key: null, method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'apikey,authorization,content-type,prefer,x-client-info' },
  })
  assert.ok([200, 204].includes(preflight.status))
  assert.match(preflight.headers.get('access-control-allow-origin'), /^(\*|https:\/\/app\.example)$/)
  assert.match(preflight.headers.get('access-control-allow-methods'), /PATCH/)
  const allowed = preflight.headers.get('access-control-allow-headers').toLowerCase()
  for (const name of ['apikey', 'authorization', 'content-type', 'prefer', 'x-client-info']) assert.ok(allowed.includes(name), name)
  const answer = await ask(app, '/rest/v1/books', { headers: { origin: 'https://app.example' } })
  assert.match(answer.headers.get('access-control-expose-headers').toLowerCase(), /content-range/)
})

test('the log is one JSON object a line, without secrets', async () => {
  const secret = 'do not log this password 9'
  await client(app).auth.signUp({ email: 'logged@example.com', password: secret })
  await ask(app, '/rest/v1/books?title=eq.do-not-log-this-value&nothing=eq.1')
  for (const line of app.log.split('\n').filter((line) => line.startsWith('{'))) JSON.parse(line)
  for (const hidden of [secret, 'do-not-log-this-value', app.keys.secret_key, app.keys.service_key, ada.session.access_token, ada.session.refresh_token]) assert.ok(!app.log.includes(hidden), hidden)
})
