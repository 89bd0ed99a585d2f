// Bodies and values that were made to hurt. The right refusal, and the process none the worse.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { ok, person } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask, send } from '../support/wire.mjs'

let app, ada, pid
before(async () => {
  app = await library()
  ada = await person(app, 'ada')
  pid = app.process.pid
})
after(() => app?.down())
afterEach(async () => {
  assert.equal(app.process.pid, pid)
  assert.equal(app.process.exitCode, null, app.log)
  assert.equal((await ask(app, '/health', { key: null })).status, 200)
  assert.doesNotMatch(app.log, /panicked/)
})

const rest = (path, options = {}) => ask(app, `/rest/v1/${path}`, { token: ada.session.access_token, ...options })
const post = (path, body, headers) => rest(path, { method: 'POST', body, headers })

function refused(answer, what, statuses = [400]) {
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`)
  assert.deepEqual(Object.keys(answer.body).filter((key) => key !== 'request_id').sort(), ['code', 'details', 'hint', 'message'], `${what}: ${JSON.stringify(answer.body)}`)
}

test('what is no JSON, or not the JSON of a row', async () => {
  for (const body of ['{', '{"slug":}', '[1,2', 'nul', '{"slug":"a"}}', "{'slug':'a'}", '[{"slug":"a"},1]', '[[1]]', '\u0000', '{"slug":"\\ud800"}', '{"slug":"a\\u0000b"}']) {
    refused(await post('notes', body), body)
  }
  // bodies that mean nothing to write (PostgREST: a single value counts as an empty list)
  for (const body of ['', '[]', '{}', 'null', '"text"', '1', 'true']) assert.ok((await post('notes', body)).status < 500, body)
})

test('rows with unlike keys are refused, unless columns are named', async () => {
  refused(await post('notes', [{ slug: 'a' }, { body: 'b' }]), 'unlike keys')
  assert.equal((await post('notes?columns=slug', [{ slug: 'k1' }, { slug: 'k2', x: 1 }])).status, 201)
})

test('values of the wrong type', async () => {
  for (const member of ['"stars":"x"', '"stars":1e400', `"stars":${'9'.repeat(400)}`, '"stars":1.5e300', '"id":{}', '"user_id":"x"', '"user_id":[1]']) {
    refused(await post('notes', `{"slug":"a",${member}}`), member)
  }
})

test('bytes that are no UTF-8', async () => {
  for (const bytes of [[0xff, 0xfe], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]) {
    refused(await post('notes', Buffer.concat([Buffer.from('{"slug":"'), Buffer.from(bytes), Buffer.from('"}')])), bytes.join(' '))
    const escaped = bytes.map((byte) => `%${byte.toString(16)}`).join('')
    const answer = await rest(`books?title=eq.${escaped}`)
    assert.ok(answer.status < 500, `${escaped}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  for (const path of ['books?title=eq.a%00b', 'books?select=%00', 'bo%00ks', 'rpc/add_up%00']) {
    const answer = await rest(path)
    assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
})

test('ten thousand levels deep', async () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)
  refused(await post('notes', `{"slug":${deep}}`), 'a body')
  refused(await post('notes', deep), 'a body of lists')
  refused(await post('notes', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)), 'a body of objects')
  const echo = await post('rpc/echo', deep)
  assert.ok(echo.status < 500, `echo: ${echo.status} ${JSON.stringify(echo.body).slice(0, 200)}`)
  for (const [what, query] of [
    ['select', `select=${'authors('.repeat(1200)}id${')'.repeat(1200)}`],
    ['logic', `or=${'(and'.repeat(2000)}(id.eq.1)${')'.repeat(2000)}`],
    ['not', `id=${'not.'.repeat(3000)}eq.1`],
    ['path', `select=details${'->a'.repeat(3000)}`],
    ['order', `order=${'a('.repeat(3000)}id${')'.repeat(3000)}`],
  ]) {
    const answer = await rest(`books?${query}`)
    assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`)
  }
})

test('auth takes no deep, odd or huge bodies either', async () => {
  const deep = `{"email":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  for (const body of [deep, '{"email":"a@example.com\\u0000","password":"a good password"}', `{"email":"a@example.com","password":"${'x'.repeat(500_000)}"}`, Buffer.from([0x7b, 0xff, 0x7d])]) {
    const answer = await ask(app, '/auth/v1/signup', { method: 'POST', body })
    assert.ok(answer.status >= 400 && answer.status < 500, `${String(body).slice(0, 40)}: ${answer.status}`)
    assert.equal(typeof answer.body.msg, 'string')
  }
  const large = await ask(app, '/auth/v1/signup', { method: 'POST', body: JSON.stringify({ email: 'x@example.com', password: 'x'.repeat(2_000_000) }) })
  assert.equal(large.status, 413)
  const metadata = await ask(app, '/auth/v1/signup', { method: 'POST', body: { email: 'deep@example.com', password: 'a good password', data: JSON.parse('['.repeat(100) + ']'.repeat(100)) } })
  assert.ok(metadata.status < 500)
})

test('a hundred megabytes, announced or streamed, are refused early', { timeout: 60_000 }, async () => {
  const headers = { authorization: `Bearer ${ada.session.access_token}`, 'content-type': 'application/json' }
  const announced = await send(app, '/rest/v1/notes', { method: 'POST', headers: { ...headers, 'content-length': String(100e6), expect: '100-continue' }, write: (request) => request.flushHeaders() })
  assert.equal(announced.status, 413)
  let written = 0
  const chunk = Buffer.alloc(1 << 20, 'a')
  const streamed = await send(app, '/rest/v1/notes', { method: 'POST', headers, write: (request) => {
    request.write('{"slug":"')
    const more = () => {
      while (written < 100) {
        if (request.destroyed || request.res) return
        written++
        if (!request.write(chunk)) return request.once('drain', more)
      }
      request.end('"}')
    }
    more()
  } }).catch((error) => ({ status: error.code }))
  assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(streamed.status), String(streamed.status))
  assert.ok(written < 60, `${written} MB were taken`)
})

test('many and long values', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => i)
  const answer = await rest(`books?select=id&id=in.(${many.join()})&order=id`, {})
  assert.ok(answer.status === 200 || answer.status === 414, String(answer.status))
  const posted = await post('rpc/sum_all', { numbers: many })
  assert.equal(posted.body, 12_497_500)
  refused(await rest(`books?${Array.from({ length: 600 }, (_, i) => `id=eq.${i}`).join('&')}&nothing=eq.1`), 'many filters', [400, 414])
  const rows = await post('notes', Array.from({ length: 5000 }, (_, i) => ({ slug: `many-${i}` })))
  assert.equal(rows.status, 201)
  assert.equal((await rest('notes?slug=like.many-*', { method: 'DELETE' })).status, 204)
  refused(await post('notes', Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`column_${i}`, i]))), 'many columns')
})

test('SQL in every place is a name or a value, never SQL', async () => {
  const sql = `x"; drop table public.notes; --`
  const quoted = `x'); delete from public.notes; --`
  const e = encodeURIComponent
  ok(await ada.from('notes').insert({ slug: 'survivor' }))
  for (const text of [sql, quoted, `1; select pg_sleep(10)`, `'||pg_sleep(10)||'`, `$1`, `$$; drop table notes; $$`, `\\'; drop table notes; --`]) {
    for (const [where, path, options] of [
      ['table', e(text), {}],
      ['column', `notes?select=${e(text)}`, {}],
      ['alias', `notes?select=${e(`"${text.replaceAll(/["\\]/g, '\\$&')}":slug`)}`, {}],
      ['cast', `notes?select=${e(`slug::${text}`)}`, {}],
      ['path', `books?select=${e(`details->>${text}`)}`, {}],
      ['filter column', `notes?${e(text)}=eq.1`, {}],
      ['filter value', `notes?slug=eq.${e(text)}`, {}],
      ['list value', `notes?slug=in.(${e(`"${text.replaceAll(/["\\]/g, '\\$&')}"`)})`, {}],
      ['language', `books?title=fts(${e(text)}).x`, {}],
      ['logic', `notes?or=(slug.eq.${e(`"${text.replaceAll(/["\\]/g, '\\$&')}"`)})`, {}],
      ['order', `notes?order=${e(text)}`, {}],
      ['limit', `notes?limit=${e(text)}`, {}],
      ['embed', `books?select=id,${e(text)}(id)`, {}],
      ['conflict', `notes?on_conflict=${e(text)}`, { method: 'POST', body: { slug: 'survivor' }, headers: { prefer: 'resolution=merge-duplicates' } }],
      ['columns', `notes?columns=${e(text)}`, { method: 'POST', body: { slug: 'a' } }],
      ['key of a body', 'notes', { method: 'POST', body: { [text]: 1 } }],
      ['function', `rpc/${e(text)}`, { method: 'POST', body: {} }],
      ['argument', `rpc/add_up`, { method: 'POST', body: { [text]: 1 } }],
      ['argument value', `rpc/books_by`, { method: 'POST', body: { author: text } }],
      ['schema', 'notes', { headers: { 'accept-profile': text } }],
      ['time zone', 'notes', { headers: { prefer: `timezone=${text}` } }],
      ['any header', 'notes', { headers: { 'x-anything': text, 'user-agent': text, cookie: `a=${text}` } }],
    ]) {
      const answer = await rest(path, options)
      assert.ok(answer.status < 500, `${text} as ${where}: ${answer.status} ${JSON.stringify(answer.body)}`)
      if (answer.body?.code) assert.notEqual(answer.body.code, '42601', `${text} as ${where} reached SQL: ${JSON.stringify(answer.body)}`)
    }
  }
  ok(await ada.from('notes').insert({ slug: sql, body: quoted }))
  assert.equal(ok(await ada.from('notes').select('body').eq('slug', sql).single()).body, quoted)
  assert.equal(ok(await ada.from('notes').select('slug').eq('slug', 'survivor').single()).slug, 'survivor')
})
