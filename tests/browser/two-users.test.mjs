// Two people side by side: what one has, the other neither sees nor changes, whatever is asked of the API.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { launch, step, until, visit } from '../support/browser.mjs'
import { beside, everythingOf, thisMonth, today } from '../support/budget.mjs'
import { client } from '../support/clients.mjs'
import { up } from '../support/mainstay.mjs'

const people = { ada: { email: 'ada@example.com', password: 'counting engines 1' }, bob: { email: 'bob@example.com', password: 'building bridges 2' } }

let app, browser, ada, bob, hers, his

before(async () => {
  ;[app, browser] = await Promise.all([up('systems/budget-app'), launch()])
  ;[ada, bob] = await Promise.all([visit(browser, app.url), visit(browser, app.url)])
})
after(async () => {
  await browser?.close()
  await app?.down()
})

async function note(who, payee, amount, category) {
  await who.page.locator('#add-expense').click()
  await who.label('Amount').fill(amount)
  await who.label('Paid to').fill(payee)
  await who.page.locator('.expense-form').getByLabel('Category').selectOption({ label: category })
  await who.button('Save').click()
  await who.toast(`${payee}, `)
}

step('both register and keep a budget at the same time', async () => {
  await Promise.all(Object.entries({ ada, bob }).map(async ([name, who]) => {
    await who.register(people[name].email, people[name].password)
    await who.at('/overview')
    await who.button('Start with common categories').click()
    await who.section('Budgets')
    await who.label('Budget for Groceries').fill(name === 'ada' ? '300' : '120')
    await who.label('Budget for Groceries').press('Tab')
    await who.see('Saved')
  }))
  await note(ada, 'Ada’s bookshop', '41', 'Leisure')
  await note(bob, 'Bob’s bakery', '7', 'Groceries')
  await note(ada, 'Ada’s grocer', '23', 'Groceries')
  hers = await beside(app, people.ada)
  his = await beside(app, people.bob)
})

step('neither sees what the other has', async () => {
  for (const [who, own, others] of [[ada, ['Ada’s grocer', 'Ada’s bookshop'], /Bob/], [bob, ['Bob’s bakery'], /Ada/]]) {
    for (const section of ['Overview', 'Expenses', 'Budgets', 'Categories', 'Settings']) {
      await who.section(section)
      assert.doesNotMatch(await who.page.locator('body').innerText(), others)
    }
    await who.section('Expenses')
    await who.label('Period').selectOption('all')
    await until(async () => (await who.page.locator('.row-button').count()) === own.length)
    for (const payee of own) await who.button(`Edit ${payee}`).waitFor()
    await who.page.locator('#add-expense').click()
    await until(async () => (await who.page.locator('#payees option').count()) === own.length)
    await who.page.keyboard.press('Escape')
  }
})

step('the other’s ids are of no use to the API', async () => {
  const target = await everythingOf(his)
  const [expense] = target.expenses
  const [budget] = target.budgets
  const [category] = target.categories
  const before = JSON.stringify(target)
  const empty = async (query) => assert.deepEqual((await query.throwOnError()).data, [])
  const refused = async (query, code) => assert.equal((await query).error?.code, code)

  for (const table of ['expenses', 'categories', 'budgets', 'preferences']) await empty(hers.from(table).select().eq('user_id', his.id))
  await empty(hers.from('expenses').select().eq('id', expense.id))
  await empty(hers.from('expenses').select('payee,category:categories(name)').eq('category_id', expense.category_id))
  await empty(hers.from('expenses').update({ amount: 1 }).eq('id', expense.id).select())
  await empty(hers.from('expenses').update({ user_id: hers.id }).eq('id', expense.id).select())
  await empty(hers.from('expenses').delete().eq('id', expense.id).select())
  await empty(hers.from('expenses').delete().eq('user_id', his.id).select())
  await empty(hers.from('categories').update({ name: 'Mine now' }).eq('id', category.id).select())
  await empty(hers.from('categories').delete().eq('id', category.id).select())
  await empty(hers.from('budgets').delete().eq('user_id', his.id).select())

  const row = { payee: 'planted', amount: 1, spent_on: today() }
  await refused(hers.from('expenses').insert({ ...row, user_id: his.id }), '42501')
  await refused(hers.from('expenses').insert({ ...row, category_id: category.id }), '23503')
  await refused(hers.from('expenses').upsert({ ...row, id: expense.id }), '42501')
  await refused(hers.from('expenses').update({ user_id: his.id }).eq('user_id', hers.id), '42501')
  await refused(hers.from('expenses').update({ category_id: category.id }).eq('user_id', hers.id), '23503')
  await refused(hers.from('budgets').insert({ category_id: category.id, month: thisMonth(), amount: 1 }), '23503')
  await refused(hers.from('budgets').upsert({ ...budget, amount: 1 }), '42501')
  await refused(hers.from('categories').insert({ name: 'planted', user_id: his.id }), '42501')
  await refused(hers.from('preferences').upsert({ user_id: his.id, currency: 'XXX' }), '42501')
  await refused(hers.rpc('remove_category', { category: category.id }), 'P0002')
  await refused(hers.rpc('remove_category', { category: (await everythingOf(hers)).expenses[0].category_id, move_to: category.id }), '23503')
  assert.deepEqual((await hers.rpc('expense_totals', { category: expense.category_id }).throwOnError()).data, [{ expenses: 0, total: 0 }])

  assert.equal(JSON.stringify(await everythingOf(his)), before)
})

step('without signing in nothing is read and nothing is called', async () => {
  const nobody = client(app)
  for (const table of ['expenses', 'categories', 'budgets', 'preferences']) assert.equal((await nobody.from(table).select()).error?.code, '42501')
  for (const [name, args] of [['month_overview', { month: thisMonth() }], ['start_with_examples', {}], ['expense_totals', {}]]) {
    assert.equal((await nobody.rpc(name, args)).error?.code, '42501', name)
  }
  assert.equal((await nobody.from('users').select()).error?.code, 'PGRST205')
  assert.equal((await nobody.schema('auth').from('users').select()).error?.code, 'PGRST106')
})

step('what was attempted shows nowhere', async () => {
  await bob.section('Expenses')
  await bob.page.reload()
  await bob.settled()
  assert.doesNotMatch(await bob.page.locator('body').innerText(), /planted|Ada/)
  await bob.button('Edit Bob’s bakery').waitFor()
})

step('the next person at the same browser finds nothing of the one before', async () => {
  await ada.signOut()
  await ada.signIn(people.bob.email, people.bob.password)
  await ada.at('/overview')
  await ada.settled()
  for (const section of ['Overview', 'Expenses', 'Budgets', 'Categories', 'Settings']) {
    await ada.section(section)
    assert.doesNotMatch(await ada.page.locator('body').innerText(), /Ada|ada@/)
  }
})

step('signing out in one tab signs out in the other', async () => {
  const second = await ada.context.newPage()
  await second.goto('/overview')
  await second.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await second.goto('/settings')
  await second.getByRole('button', { name: 'Sign out', exact: true }).click()
  await second.waitForURL('**/sign-in')
  await ada.at('/sign-in')
  assert.equal(await ada.page.getByText('Bob').count(), 0)
})
