// The door: registering, signing in and out, and how sessions live and end.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { launch, step, visit } from '../support/browser.mjs'
import { beside, monthLong, thisMonth } from '../support/budget.mjs'
import { client } from '../support/clients.mjs'
import { up } from '../support/mainstay.mjs'

const email = 'ada@example.com'
const password = 'counting engines 1'
const nextPassword = 'analytical engines 2'

let app, browser, me, mine, admin

before(async () => {
  ;[app, browser] = await Promise.all([up('systems/budget-app'), launch()])
  me = await visit(browser, app.url)
  admin = client(app, app.keys.secret_key)
})
after(async () => {
  await browser?.close()
  await app?.down()
})

const problem = () => me.page.locator('#form-problem')

step('whoever comes first is asked to sign in', async () => {
  await me.go('/budgets')
  await me.at('/sign-in')
  assert.equal(await me.page.title(), 'Sign in · Kitty')
  await me.link('Create an account').click()
  await me.at('/register')
})

step('a form says what is missing', async () => {
  await me.button('Create account').click()
  await me.see('Please fill this in.')
  assert.equal(await me.page.evaluate(() => document.activeElement.id), 'email')
  await me.label('E-mail').fill('ada')
  await me.button('Create account').click()
  await me.see('This is not an e-mail address.')
})

step('a weak password is told', async () => {
  await me.label('E-mail').fill(email)
  await me.label('Password').fill('short')
  await me.button('Create account').click()
  await me.see('The password is too weak: use at least 8 characters.')
  assert.equal(await me.page.evaluate(() => document.activeElement.id), 'password')
})

step('a new account is signed in at once and greeted', async () => {
  await me.label('Password').fill(password)
  await me.button('Create account').click()
  await me.at('/budgets') // where the visit began
  await me.see('First the categories, then the plan')
  await me.section('Overview')
  await me.see('Three steps to your budget')
  await me.section('Expenses')
  await me.see(`Nothing in ${monthLong(thisMonth())}`)
  mine = await beside(app, { email, password })
})

step('an address that is registered is told', async () => {
  await me.signOut()
  await me.expecting(/422.*\/auth\/v1\/signup/, async () => {
    await me.register(email.toUpperCase(), password)
    await problem().getByText('This address is already registered. Sign in instead.').waitFor()
  })
})

step('a wrong password and an unknown address are told alike', async () => {
  const said = []
  for (const [who, secret] of [[email, 'not this one'], ['nobody@example.com', password]]) {
    await me.go('/sign-in')
    await me.expecting(/400.*\/auth\/v1\/token/, async () => {
      await me.signIn(who, secret)
      await problem().filter({ hasText: /\w/ }).waitFor()
    })
    said.push(await problem().textContent())
  }
  assert.deepEqual(said, ['Wrong e-mail or password.', 'Wrong e-mail or password.'])
})

step('a password can be looked at while it is typed', async () => {
  await me.label('Password').fill(password)
  await me.button('Show password').click()
  assert.equal(await me.label('Password').getAttribute('type'), 'text')
  await me.button('Show password').click()
  assert.equal(await me.label('Password').getAttribute('type'), 'password')
})

step('signing in', async () => {
  await me.signIn(email, password)
  await me.at('/overview')
  await me.settled()
  assert.equal(await me.page.title(), 'Overview · Kitty')
  await me.button('Start with common categories').click()
  await me.toast('10 categories made.')
})

step('the session survives a reload and a second tab', async () => {
  await me.section('Settings')
  await me.page.reload()
  await me.settled()
  await me.see(email)
  const second = await me.context.newPage()
  await second.goto('/')
  await second.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await second.close()
})

step('the password is changed', async () => {
  await me.label('New password').fill('short')
  await me.button('Change password').click()
  await me.see('The password is too weak: use at least 8 characters.')
  await me.expecting(/422.*\/auth\/v1\/user/, async () => {
    await me.label('New password').fill(password)
    await me.button('Change password').click()
    await me.see('The new password must differ from the old one.')
  })
  await me.label('New password').fill(nextPassword)
  await me.button('Change password').click()
  await me.toast('The password is changed.')
  await me.signOut()
  assert.equal(await me.session(), null)
  await me.expecting(/400.*\/auth\/v1\/token/, async () => {
    await me.signIn(email, password)
    await problem().getByText('Wrong e-mail or password.').waitFor()
  })
  await me.signIn(email, nextPassword)
  await me.at('/overview')
})

step('an access token that has run out is renewed unnoticed', async () => {
  await me.settled()
  await me.keepSession({ expires_at: 1 })
  const before = await me.session()
  await me.section('Categories')
  await me.button('Edit Groceries').waitFor()
  assert.notEqual((await me.session()).access_token, before.access_token)
})

step('a token that the server refuses is renewed, and the page shows its content', async () => {
  // As after the server's keys have changed: the browser believes in a token that the server does not.
  const { access_token } = await me.session()
  await me.keepSession({ access_token: access_token.replace(/\.[^.]+$/, '.AAAA') })
  await me.expecting(/401.*\/rest\/v1\//, async () => {
    await me.section('Budgets')
    await me.label('Budget for Groceries').waitFor()
  })
})

step('a session that has ended leads to the sign-in, with a message, and back', async () => {
  const { access_token } = await me.session()
  const { error } = await admin.auth.admin.signOut(access_token, 'global')
  assert.equal(error, null)
  await me.keepSession({ expires_at: 1 })
  await me.expecting([/400.*\/auth\/v1\/token/, /401.*\/rest\/v1\//], async () => {
    await me.link('Expenses').click()
    await me.at('/sign-in')
    await me.toast('Your session has ended. Please sign in again.')
  })
  assert.doesNotMatch(await me.page.locator('body').innerText(), /Utilities|Subscriptions/)
  await me.signIn(email, nextPassword)
  await me.at('/expenses') // where the session ended
  await me.settled()
})

step('a session that ended while the page was closed says so too', async () => {
  const { access_token } = await me.session()
  await admin.auth.admin.signOut(access_token, 'global')
  await me.keepSession({ expires_at: 1 })
  await me.expecting(/400.*\/auth\/v1\/token/, async () => {
    await me.page.reload()
    await me.at('/sign-in')
    await me.toast('Your session has ended. Please sign in again.')
  })
  await me.signIn(email, nextPassword)
  await me.at('/expenses')
})

step('signing out everywhere ends the other sessions', async () => {
  await me.section('Settings')
  await me.button('Sign out everywhere').click()
  await me.dialog('Sign out everywhere?').getByRole('button', { name: 'Sign out everywhere' }).click()
  await me.at('/sign-in')
  const { error } = await mine.auth.refreshSession(mine.session)
  assert.equal(error?.code, 'refresh_token_not_found')
  await me.page.goBack()
  await me.at('/sign-in')
})

step('nothing promises a mail that cannot be sent', async () => {
  assert.equal(await me.page.getByText(/forgot|inbox|link/i).count(), 0)
  const answer = await client(app).auth.resetPasswordForEmail('nobody@example.com')
  assert.equal(answer.error, null) // nor tells who is registered
})
