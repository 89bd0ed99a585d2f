// An OpenID Connect provider run here (npm oidc-provider), with a sign-in page of one field and a way to cancel.
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { freePort } from './mainstay.mjs'

const page = (uid) => `<!doctype html><html lang="en"><title>Company login</title><link rel="icon" href="data:,">
<h1>Company login</h1>
<form method="post" action="/interaction/${uid}"><label>Person <input name="person"></label>
<button name="answer" value="yes">Log in</button><button name="answer" value="no">Cancel</button></form>`

// people: { subject: { email, email_verified, name } }; clients as oidc-provider takes them
export async function startProvider({ people, clients }) {
  const issuer = `http://localhost:${await freePort()}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'one' }] },
    cookies: { keys: ['a key for signing cookies'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
  })
  // `onReturn` may change the address to which browsers are sent back
  const it = { issuer, seen: [], onReturn: (address) => address }
  const respond = provider.callback()
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, issuer)
    it.seen.push(url)
    if (url.pathname === '/held') return response.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,"><title>Held</title>')
    const setHeader = response.setHeader.bind(response)
    response.setHeader = (name, value) => setHeader(name, name.toLowerCase() === 'location' && /[?&](code|error)=/.test(value) ? it.onReturn(value) : value)
    const [, uid] = /^\/interaction\/([\w-]+)$/.exec(url.pathname) ?? []
    if (!uid) return respond(request, response)
    if (request.method === 'GET') return response.writeHead(200, { 'content-type': 'text/html' }).end(page(uid))
    let body = ''
    for await (const chunk of request) body += chunk
    const form = new URLSearchParams(body)
    const result = form.get('answer') === 'yes'
      ? { login: { accountId: form.get('person') } }
      : { error: 'access_denied', error_description: 'End-User aborted interaction' }
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  })
  await new Promise((resolve) => server.listen(Number(new URL(issuer).port), 'localhost', resolve))
  it.stop = () => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  return it
}
