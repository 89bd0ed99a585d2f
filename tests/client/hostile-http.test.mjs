// HTTP that was made to hurt: slow, huge, malformed, smuggled.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { library } from '../support/library.mjs'
import { ask, raw, send } from '../support/wire.mjs'

let app, pid
before(async () => {
  app = await library({ env: { MAINSTAY_GATEWAY_HEAD_DEADLINE: '2s' } })
  pid = app.process.pid
})
after(() => app?.down())
afterEach(async () => {
  assert.equal(app.process.pid, pid)
  assert.equal(app.process.exitCode, null, app.log)
  assert.equal((await ask(app, '/health', { key: null })).status, 200)
  assert.doesNotMatch(app.log, /panicked/)
})

const status = (text) => Number(text.match(/^HTTP\/1\.[01] (\d{3})/)?.[1])

test('unknown routes and methods', async () => {
  for (const path of ['/', '/rest', '/rest/v1', '/rest/v1/books/1/2', '/auth/v1', '/auth/v1/nothing', '/storage/v1/object/x', '/%', '/%zz', '//', '/rest/v1//books', '/./rest/v1/books', '/REST/V1/books', '/rest/v1/books;x=1', `/${'a/'.repeat(500)}`]) {
    const answer = await send(app, path)
    assert.ok(answer.status < 500, `${path}: ${answer.status}`)
  }
  for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'PURGE', 'M-SEARCH']) {
    const { text } = await raw(app, `${method} /rest/v1/books HTTP/1.1\r\nHost: localhost\r\napikey: ${app.keys.publishable_key}\r\nConnection: close\r\n\r\n`)
    const code = status(text)
    assert.ok(code >= 400 && code < 500 || code === 501, `${method}: ${text.slice(0, 200)}`)
  }
})

test('a target or a head that is too long', async () => {
  const target = await send(app, `/rest/v1/books?title=eq.${'a'.repeat(40_000)}`)
  assert.equal(target.status, 414)
  assert.equal(typeof target.body.message, 'string')
  const head = await raw(app, `GET /rest/v1/books HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'a'.repeat(200_000)}\r\n\r\n`)
  assert.ok([431, 400].includes(status(head.text)) || head.text === '', head.text.slice(0, 200))
  const many = await raw(app, `GET /rest/v1/books HTTP/1.1\r\nHost: localhost\r\n${Array.from({ length: 5000 }, (_, i) => `x-${i}: 1\r\n`).join('')}\r\n`)
  assert.ok([431, 400].includes(status(many.text)) || many.text === '', many.text.slice(0, 200))
  const value = await ask(app, '/rest/v1/books?limit=1', { headers: { 'x-long': 'a'.repeat(10_000) } })
  assert.equal(value.status, 200)
})

test('what is no HTTP is answered with 400 or hung up on', async () => {
  for (const text of ['hello\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\nBad Header\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nX: \u0000\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', '\u0000'.repeat(100) + '\r\n\r\n']) {
    const answer = await raw(app, text, 10_000)
    assert.ok(answer.text === '' || status(answer.text) === 400, `${JSON.stringify(text)}: ${answer.text.slice(0, 100)}`)
  }
})

test('two lengths, or a length and chunks, are never two requests', async () => {
  const smuggled = `GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  for (const headers of [
    `Content-Length: 5\r\nContent-Length: 6\r\n`,
    `Content-Length: 0\r\nTransfer-Encoding: chunked\r\n`,
    `Transfer-Encoding: xchunked\r\nContent-Length: ${smuggled.length}\r\n`,
    `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n`,
    `Content-Length: -1\r\n`,
    `Content-Length: 99999999999999999999999\r\n`,
  ]) {
    const { text } = await raw(app, `POST /rest/v1/rpc/nothing HTTP/1.1\r\nHost: localhost\r\napikey: ${app.keys.publishable_key}\r\nContent-Type: application/json\r\n${headers}\r\n0\r\n\r\n${smuggled}`, 15_000)
    const answers = text.match(/HTTP\/1\.1 \d{3}/g) ?? []
    assert.ok(!text.includes('"status":"ok"') || answers.length <= 2, `${headers}: ${text}`)
    if (!/^Content-Length: 0\r\nTransfer/.test(headers)) assert.ok(!text.includes('"status":"ok"'), `${headers}: ${text}`)
  }
})

test('a head that never ends is hung up on by its deadline', async () => {
  const { took, text } = await raw(app, 'GET /rest/v1/books HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 15_000)
  assert.ok(took < 10_000, `${took} ms`)
  assert.ok(text === '' || status(text) === 408, text)
  const silent = await raw(app, '', 15_000)
  assert.ok(silent.took < 10_000)
})

test('two hundred slow connections do not keep others from being served', async () => {
  const slow = await Promise.all(Array.from({ length: 200 }, () => new Promise((resolve, reject) => {
    const socket = net.connect(app.port, '127.0.0.1', () => (socket.write('GET / HTTP/1.1\r\nHo'), resolve(socket)))
    socket.on('error', reject)
  })))
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(app, '/rest/v1/books?limit=1')))
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200])
  await Promise.all(slow.map((socket) => new Promise((resolve) => (socket.on('close', resolve), socket.on('error', () => {}), socket.resume()))))
})

test('a body that never comes does not hold its place forever, and its connection ends with the caller', async () => {
  const socket = net.connect(app.port, '127.0.0.1')
  socket.write(`POST /rest/v1/rpc/nothing HTTP/1.1\r\nHost: localhost\r\napikey: ${app.keys.publishable_key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`)
  await new Promise((resolve) => setTimeout(resolve, 300))
  socket.destroy()
})

test('a thousand hasty callers who hang up at once', async () => {
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 100 }, () => new Promise((resolve) => {
      const socket = net.connect(app.port, '127.0.0.1', () => {
        socket.write(`GET /rest/v1/books HTTP/1.1\r\nHost: localhost\r\napikey: ${app.keys.publishable_key}\r\n\r\n`)
        socket.destroy()
        resolve()
      })
      socket.on('error', resolve)
    })))
  }
  assert.equal((await ask(app, '/rest/v1/books?limit=1')).status, 200)
})

test('a query that takes too long is ended by the database, and the connection is good again', { timeout: 30_000 }, async () => {
  const answer = await ask(app, `/rest/v1/books?title=match.${encodeURIComponent('(.*)*'.repeat(30) + 'x')}`)
  assert.ok(answer.status < 600)
  assert.equal((await ask(app, '/rest/v1/books?limit=1')).status, 200)
})
