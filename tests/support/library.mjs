// The library project, running, for tests that make many accounts.
import { up } from './mainstay.mjs'

// limits of sign-in are for strangers; here everybody is 127.0.0.1
const ENVIRONMENT = {
  MAINSTAY_AUTH_RATE_LIMIT_SIGN_IN_SIGN_UPS: '0',
  MAINSTAY_AUTH_RATE_LIMIT_PASSWORD_PER_ACCOUNT: '0',
  MAINSTAY_AUTH_RATE_LIMIT_TOKEN_REFRESH: '0',
  MAINSTAY_AUTH_RATE_LIMIT_TOKEN_VERIFICATIONS: '0',
  // hashing is not what these tests are about
  MAINSTAY_AUTH_PASSWORD_HASH_MEMORY_KIB: '1024',
  MAINSTAY_AUTH_PASSWORD_HASH_PASSES: '1',
}

export const library = (options = {}) => up('tests/fixtures/library', { ...options, env: { ...ENVIRONMENT, ...options.env } })
