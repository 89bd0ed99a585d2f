// Tokens that nobody should have: taken apart, changed, signed with the wrong key.
import { createHmac, createSign, createVerify, createPublicKey } from 'node:crypto'

const part = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url')

// Head and claims of a token, unverified.
export function read(token) {
  const [head, claims] = token.split('.').slice(0, 2).map((text) => JSON.parse(Buffer.from(text, 'base64url')))
  return { head, claims }
}

// True when the key of a JWKS made this token's signature.
export function isSignedBy(token, jwks) {
  const [head, claims, signature] = token.split('.')
  const jwk = jwks.keys.find((key) => key.kid === read(token).head.kid)
  if (!jwk) return false
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return createVerify('SHA256').update(`${head}.${claims}`).verify({ key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
}

export function hs256(head, claims, secret) {
  const signed = `${part({ typ: 'JWT', ...head, alg: 'HS256' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

export function es256(head, claims, key) {
  const signed = `${part({ typ: 'JWT', ...head, alg: 'ES256' })}.${part(claims)}`
  return `${signed}.${createSign('SHA256').update(signed).sign({ key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

export const unsigned = (head, claims) => `${part({ typ: 'JWT', ...head, alg: 'none' })}.${part(claims)}.`

// The same token with other claims under the old signature.
export function forge(token, changes) {
  const [head, , signature] = token.split('.')
  return `${head}.${part({ ...read(token).claims, ...changes })}.${signature}`
}
