// Requests below the client library: what a stranger with curl sends.
import http from 'node:http'
import net from 'node:net'

// One request; the body of the answer is parsed when it is JSON.
export async function ask(instance, path, { key, token, method = 'GET', headers = {}, body } = {}) {
  const sent = { ...(key === null ? {} : { apikey: key ?? instance.keys.publishable_key }), ...headers }
  if (token) sent.authorization = `Bearer ${token}`
  if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) body = JSON.stringify(body)
  if (body !== undefined && !Object.keys(sent).some((name) => name.toLowerCase() === 'content-type')) sent['content-type'] = 'application/json'
  const answer = await fetch(instance.url + path, { method, headers: sent, body, redirect: 'manual' })
  return { status: answer.status, headers: answer.headers, body: parse(await answer.text()) }
}

// Like `ask`, through Node's own client: any method, any target, bodies written bit by bit.
export function send(instance, path, { method = 'GET', headers = {}, write, agent } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: instance.port, path, method, agent, headers: { apikey: instance.keys.publishable_key, ...headers } }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: parse(Buffer.concat(parts).toString()) }))
    })
    request.on('error', reject)
    if (write) write(request)
    else request.end()
  })
}

// Writes bytes as they are and returns all that comes back until the server closes.
export function raw(instance, bytes, patience = 30_000) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(instance.port, '127.0.0.1')
    const began = Date.now()
    let text = ''
    socket.setTimeout(patience, () => socket.destroy(new Error(`the server kept the connection open for ${patience} ms: ${text}`)))
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (data) => (text += data.toString('latin1')))
    socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve({ text, took: Date.now() - began }) : reject(error)))
    socket.on('end', () => (socket.end(), resolve({ text, took: Date.now() - began })))
  })
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
