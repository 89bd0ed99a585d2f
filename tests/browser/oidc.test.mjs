// Signing in at a provider: a real one (npm oidc-provider), a real browser, and everything that may go wrong between them.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { launch, step, until, visit } from '../support/browser.mjs'
import { beside, everythingOf } from '../support/budget.mjs'
import { client, ok } from '../support/clients.mjs'
import { freePort, up } from '../support/mainstay.mjs'
import { startProvider } from '../support/provider.mjs'

const people = {
  'p-grace': { email: 'grace@example.com', email_verified: true, name: 'Grace' },
  'p-linus': { email: 'linus@example.com', email_verified: true, name: 'Linus' },
  'p-ken': { email: 'ken@example.com', email_verified: true, name: 'Ken' },
  'p-mallory': { email: 'linus@example.com', email_verified: false, name: 'Not Linus' },
}
const password = 'a good password 1'

let app, browser, provider, me, admin

before(async () => {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const nobody = `http://localhost:${await freePort()}`
  provider = await startProvider({
    people,
    clients: [{ client_id: 'budget', client_secret: 'not a secret: a test', redirect_uris: [`${url}/auth/v1/callback`] }],
  })
  const env = {
    MAINSTAY_AUTH_SITE_URL: url,
    MAINSTAY_AUTH_EXTERNAL_OIDC_ISSUER: provider.issuer,
    MAINSTAY_AUTH_EXTERNAL_OIDC_CLIENT_ID: 'budget',
    MAINSTAY_AUTH_EXTERNAL_OIDC_SECRET: 'not a secret: a test',
    MAINSTAY_AUTH_EXTERNAL_OIDC_NAME: 'Company login',
    MAINSTAY_AUTH_EXTERNAL_DOWN_ISSUER: nobody,
    MAINSTAY_AUTH_EXTERNAL_DOWN_CLIENT_ID: 'budget',
    MAINSTAY_AUTH_EXTERNAL_DOWN_SECRET: 'none',
  }
  ;[app, browser] = await Promise.all([up('systems/budget-app', { port, env }), launch()])
  me = await visit(browser, app.url)
  admin = client(app, app.keys.secret_key)
})
after(async () => {
  await browser?.close()
  await app?.down()
  await provider?.stop()
})

// From the sign-in page to the provider's.
async function depart(who) {
  await who.go('/sign-in')
  await who.button('Continue with Company login').click()
  await who.at(/\/interaction\//)
}

async function answer(who, person) {
  await who.label('Person').fill(person)
  await who.button(person ? 'Log in' : 'Cancel').click()
}

async function arrive(who) {
  await who.at('/overview')
  await who.settled()
  assert.equal(new URL(who.page.url()).search + new URL(who.page.url()).hash, '')
  return (await who.session()).user
}

// Someone whose browser the provider does not know yet.
async function stranger(work) {
  const who = await visit(browser, app.url)
  try {
    await work(who)
    assert.deepEqual(who.problems, [])
  } finally {
    await who.close()
  }
}

// Signs in at the provider, but keeps the address of the way back instead of going it.
async function held(who, person) {
  let address
  provider.onReturn = (to) => { address = to; return `${provider.issuer}/held` }
  try {
    await depart(who)
    await answer(who, person)
    await who.at('/held')
  } finally {
    provider.onReturn = (to) => to
  }
  return address
}

step('the sign-in page offers what is configured, by name', async () => {
  await me.go('/sign-in')
  await me.button('Continue with Company login').waitFor()
  await me.button('Continue with down').waitFor()
})

step('signing in at the provider makes an account', async () => {
  await depart(me)
  await answer(me, 'p-grace')
  const user = await arrive(me)
  assert.equal(user.email, 'grace@example.com')
  assert.equal(user.app_metadata.provider, 'oidc')
  assert.equal(user.user_metadata.full_name, 'Grace')
  await me.button('Start with common categories').click()
  await me.toast('10 categories made.')
  await me.section('Settings')
  await me.see('grace@example.com')
})

step('the provider was asked with PKCE, a state and a nonce', () => {
  const asked = provider.seen.find(({ pathname, searchParams }) => pathname === '/auth' && searchParams.has('client_id')).searchParams
  assert.equal(asked.get('code_challenge_method'), 'S256')
  assert.equal(asked.get('response_type'), 'code')
  assert.ok(asked.get('state').length >= 32 && asked.get('nonce').length >= 16)
  assert.equal(asked.get('redirect_uri'), `${app.url}/auth/v1/callback`)
  assert.equal(asked.has('redirect_to'), false)
})

step('the second time it is the same account', async () => {
  const { user } = await me.session()
  await me.page.reload() // the session survives as any other
  await me.settled()
  await me.signOut()
  await me.button('Continue with Company login').click() // the provider still knows the browser
  assert.equal((await arrive(me)).id, user.id)
  await me.section('Categories')
  await me.button('Edit Groceries').waitFor()
  await stranger(async (who) => {
    await depart(who)
    await answer(who, 'p-grace')
    assert.equal((await arrive(who)).id, user.id)
  })
  assert.equal((await admin.auth.admin.listUsers()).data.users.length, 1)
})

step('an address that both sides have proved is linked to the account that has it', async () => {
  const { user } = ok(await admin.auth.admin.createUser({ email: 'linus@example.com', password, email_confirm: true }))
  const linus = await beside(app, { email: 'linus@example.com', password })
  await linus.from('categories').insert({ name: 'From before' }).throwOnError()
  await stranger(async (who) => {
    await depart(who)
    await answer(who, 'p-linus')
    const it = await arrive(who)
    assert.equal(it.id, user.id)
    assert.deepEqual(it.identities.map((i) => i.provider).sort(), ['email', 'oidc'])
    await who.section('Categories')
    await who.button('Edit From before').waitFor()
    await who.signOut()
    await who.signIn('linus@example.com', password) // still good
    assert.equal((await arrive(who)).id, user.id)
  })
})

step('an address that the provider has not proved opens nobody’s account', async () => {
  await stranger(async (who) => {
    await depart(who)
    await answer(who, 'p-mallory')
    await who.at('/sign-in')
    await who.toast(/^Signing in did not work: .*verif/)
    assert.equal(await who.session(), null)
  })
  const linus = await beside(app, { email: 'linus@example.com', password })
  assert.equal((await everythingOf(linus)).categories.length, 1)
})

step('who registered a stranger’s address loses the account to its owner', async () => {
  await stranger(async (squatter) => {
    await squatter.register('ken@example.com', password)
    await squatter.at('/overview')
    const { user, refresh_token } = await squatter.session()
    await stranger(async (who) => {
      await depart(who)
      await answer(who, 'p-ken')
      assert.equal((await arrive(who)).id, user.id)
    })
    const outside = client(app)
    assert.equal((await outside.auth.signInWithPassword({ email: 'ken@example.com', password })).error?.code, 'invalid_credentials')
    assert.match((await outside.auth.refreshSession({ refresh_token })).error?.code, /refresh_token_not_found|session_not_found/)
  })
})

step('cancelling at the provider is told', async () => {
  await stranger(async (who) => {
    await depart(who)
    await answer(who, '')
    await who.at('/sign-in')
    await who.toast('Signing in was cancelled.')
    assert.equal(await who.session(), null)
    assert.equal(new URL(who.page.url()).search + new URL(who.page.url()).hash, '')
    await depart(who) // and may be tried again at once
    await answer(who, 'p-grace')
    await arrive(who)
  })
})

step('a tampered state is refused', async () => {
  await stranger(async (who) => {
    const address = new URL(await held(who, 'p-grace'))
    address.searchParams.set('state', `${address.searchParams.get('state').slice(0, -2)}zz`)
    await who.go(address.href)
    await who.at('/sign-in')
    await who.toast('Signing in did not work')
    assert.equal(await who.session(), null)
    for (const query of ['', '?code=a', '?state=b', '?code=a&state=b', '?error=access_denied']) {
      await who.go(`/auth/v1/callback${query}`)
      await who.at('/sign-in')
      await who.toast('Signing in did not work')
    }
  })
})

step('the way back works once, and only in the browser that left', async () => {
  await stranger(async (who) => {
    const address = await held(who, 'p-grace')
    await stranger(async (other) => { // a victim who is lured to the address
      await other.go(address)
      await other.at('/sign-in')
      assert.equal(await other.session(), null)
    })
    await who.go(address) // used up by now
    await who.at('/sign-in')
    await who.toast('Signing in did not work')
    assert.equal(await who.session(), null)
  })
})

step('redirect_to a foreign place falls back to the site', async () => {
  for (const target of ['https://evil.example/', '//evil.example', `${app.url.replace('localhost', 'localhost@evil.example')}/`, 'javascript:alert(1)']) {
    const from = new URL(`${app.url}/auth/v1/authorize`)
    from.search = new URLSearchParams({ provider: 'oidc', redirect_to: target, code_challenge: 'a'.repeat(43), code_challenge_method: 's256' })
    await stranger(async (who) => {
      await who.go(from.href)
      await answer(who, 'p-grace')
      await until(() => who.page.url().startsWith(app.url), `back at the site, not at ${who.page.url()}`)
      await who.at('/sign-in')
      assert.equal(await who.session(), null)
    })
  }
})

step('a provider that is away is told', async () => {
  await stranger(async (who) => {
    await who.go('/sign-in')
    await who.button('Continue with down').click()
    await who.toast(/^Signing in did not work: .*could not be reached/)
    await who.at('/sign-in')
    await who.button('Continue with Company login').waitFor()
  })
})

step('a provider that goes away halfway is told', async () => {
  await stranger(async (who) => {
    const address = await held(who, 'p-grace')
    await provider.stop()
    await who.go(address)
    await who.at('/sign-in')
    await who.toast('Signing in did not work')
    assert.equal(await who.session(), null)
  })
})

step('a provider nobody has configured is refused plainly', async () => {
  const answer = await fetch(`${app.url}/auth/v1/authorize?provider=elsewhere&redirect_to=${app.url}`, { redirect: 'manual' })
  assert.equal(answer.status, 400)
  assert.match((await answer.json()).msg, /provider is not enabled/)
})
