// One person's way through the budget app: categories, budgets, expenses, the overview and the settings.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { launch, step, until, visit } from '../support/browser.mjs'
import { addMonths, beside, everythingOf, figures, money, monthLong, monthName, parseCsv, thisMonth, today } from '../support/budget.mjs'
import { up } from '../support/mainstay.mjs'

const email = 'ada@example.com'
const password = 'counting engines 1'
const lastMonth = addMonths(thisMonth(), -1)

let app, browser, me, mine

before(async () => {
  ;[app, browser] = await Promise.all([up('systems/budget-app'), launch()])
  me = await visit(browser, app.url)
})
after(async () => {
  await browser?.close()
  await app?.down()
})

const rows = () => me.page.locator('.expense-table tbody tr:not(.day)')

step('someone new comes along', async () => {
  await me.register(email, password)
  await me.at('/overview')
  mine = await beside(app, { email, password })
})

step('the empty budget starts with common categories', async () => {
  await me.button('Start with common categories').click()
  await me.toast('10 categories made.')
  await me.section('Categories')
  const names = await me.page.getByRole('list', { name: 'Categories', exact: true }).locator('.row-name').allTextContents()
  assert.deepEqual(names, ['Clothing', 'Eating out', 'Gifts', 'Groceries', 'Health', 'Housing', 'Leisure', 'Subscriptions', 'Transport', 'Utilities'])
})

step('a category is added, renamed and given a colour', async () => {
  await me.page.locator('#add-category').click()
  await me.button('Add category').last().click()
  await me.see('What is it called?')
  await me.label('Name').fill('groceries')
  await me.button('Add category').last().click()
  await me.see('There is a category of this name already.')
  await me.label('Name').fill('Garden <b>& "roses"</b>')
  await me.dialog('New category').getByRole('radio', { name: 'Lime' }).check()
  await me.dialog('New category').getByRole('radio', { name: 'Gift' }).check()
  await me.button('Add category').last().click()
  await me.toast('Garden <b>& "roses"</b> added.')
  await me.button('Edit Garden <b>& "roses"</b>').click()
  await me.label('Name').fill('Garden')
  await me.dialog('Edit category').getByRole('radio', { name: 'Violet' }).check()
  await me.button('Save changes').click()
  await me.button('Edit Garden').waitFor()
  const garden = (await everythingOf(mine)).categories.find((c) => c.name === 'Garden')
  assert.deepEqual({ colour: garden.colour, icon: garden.icon, archived: garden.archived }, { colour: '#8561d6', icon: 'gift', archived: false })
})

step('a category is archived, restored and deleted', async () => {
  await me.button('Archive Gifts').click()
  await me.toast('Gifts archived.')
  await me.page.getByRole('list', { name: 'Archived categories' }).getByText('Gifts').waitFor()
  await me.button('Restore Gifts').click()
  await me.toast('Gifts is back.')
  await me.button('Archive Clothing').click()
  await me.button('Restore Clothing').waitFor()
  await me.button('Delete Gifts').click()
  await me.see('No expense uses it.')
  await me.button('Cancel').click()
  await me.button('Delete Gifts').click()
  await me.button('Delete category').click()
  await me.toast('Gifts deleted.')
  const names = (await everythingOf(mine)).categories.map((c) => `${c.name}${c.archived ? ' (archived)' : ''}`).sort()
  assert.deepEqual(names, ['Clothing (archived)', 'Eating out', 'Garden', 'Groceries', 'Health', 'Housing', 'Leisure', 'Subscriptions', 'Transport', 'Utilities'])
})

step('budgets are set for a month', async () => {
  await me.section('Budgets')
  await me.button('Previous month').click()
  await me.page.locator('#month-label', { hasText: monthLong(lastMonth) }).waitFor()
  await me.settled()
  for (const [name, amount] of [['Groceries', '1.000,50'], ['Housing', '900'], ['Leisure', '40+10']]) {
    const field = me.label(`Budget for ${name}`)
    await field.fill(amount)
    await field.press('Enter') // goes on to the next
    await me.page.locator('li', { has: field }).getByText('Saved').waitFor()
  }
  await me.label('Budget for Health').fill('a lot')
  await me.label('Budget for Health').press('Tab')
  await me.see('Not an amount')
  await me.label('Budget for Health').press('Escape')
  await me.page.locator('.budget-total').getByText(money(1950.5)).first().waitFor()
  const { budgets } = await everythingOf(mine)
  assert.deepEqual(budgets.map((b) => [b.month, b.amount]).sort((a, b) => a[1] - b[1]), [[lastMonth, 50], [lastMonth, 900], [lastMonth, 1000.5]])
})

step('budgets are copied from the month before', async () => {
  await me.button('Next month').click()
  await me.page.locator('#month-label', { hasText: monthLong(thisMonth()) }).waitFor()
  await me.settled()
  await me.label('Budget for Housing').fill('950')
  await me.label('Budget for Housing').press('Tab')
  await me.see('Saved')
  await me.page.locator('#copy-budgets').click()
  await me.toast(`2 budgets copied from ${monthLong(lastMonth)}.`)
  await me.settled()
  await until(async () => (await me.label('Budget for Leisure').inputValue()) === '50')
  assert.equal(await me.label('Budget for Housing').inputValue(), '950') // what was planned stays
  await me.label('Budget for Leisure').fill('')
  await me.label('Budget for Leisure').press('Tab')
  await me.page.locator('.budget-total').getByText(money(1950.5)).first().waitFor()
})

const enter = async (expense) => {
  const form = me.page.locator('.expense-form')
  for (const [name, value] of Object.entries(expense)) {
    const field = form.getByLabel(name, { exact: true })
    if (name === 'Category') await field.selectOption({ label: value })
    else await field.fill(value)
  }
}

step('expenses are added, several in a row', async () => {
  await me.page.locator('#add-expense').click()
  await me.button('Save').click()
  await me.see('An amount above zero, such as 12.50.')
  await me.see('Who was paid?')
  const day = today()
  await enter({ Amount: '12,50', 'Paid to': 'Corner "Shop", Ltd', Category: 'Groceries', Date: day, 'Note (optional)': 'milk, bread' })
  await me.button('Save and add another').click()
  await me.toast('Corner "Shop", Ltd, €12.50 added.')
  await enter({ Amount: '7.5 + 2', 'Paid to': '=SUM(A1:A9)', Date: day, 'Note (optional)': '@home' })
  await me.button('Save and add another').click()
  await me.toast('€9.50 added.')
  await enter({ Amount: '61', 'Paid to': '<img src=x onerror=alert(1)>', Category: 'Leisure', Date: day })
  await me.button('Save and add another').click()
  await me.toast('€61.00 added.')
  await enter({ Amount: '0.1', 'Paid to': 'Bäckerei Żółć 🥐', Category: 'Groceries', Date: day })
  await me.button('Save and add another').click()
  await me.toast('€0.10 added.')
  await enter({ Amount: '0.2', 'Paid to': 'Kiosk', Category: 'Groceries', Date: thisMonth() })
  await me.button('Save and add another').click()
  await me.toast('€0.20 added.')
  await enter({ Amount: '1,234.56', 'Paid to': 'Landlord', Category: 'Housing', Date: lastMonth, 'Note (optional)': '50%_of \\it' })
  await me.button('Save').click()
  await me.toast('Landlord, €1,234.56 added.')
  const { expenses } = await everythingOf(mine)
  assert.deepEqual(expenses.map((e) => [e.spent_on, e.amount, e.payee, e.note]).sort((a, b) => a[1] - b[1]), [
    [day, 0.1, 'Bäckerei Żółć 🥐', ''],
    [thisMonth(), 0.2, 'Kiosk', ''],
    [day, 9.5, '=SUM(A1:A9)', '@home'],
    [day, 12.5, 'Corner "Shop", Ltd', 'milk, bread'],
    [day, 61, '<img src=x onerror=alert(1)>', ''],
    [lastMonth, 1234.56, 'Landlord', '50%_of \\it'],
  ])
})

step('a payee known from before brings its category', async () => {
  await me.page.locator('#add-expense').click()
  await until(async () => (await me.page.locator('#payees option').count()) === 6)
  await enter({ 'Paid to': 'kiosk' })
  const chosen = await me.page.locator('#category').evaluate((el) => el.selectedOptions[0].textContent)
  assert.equal(chosen, 'Groceries')
  assert.equal(await me.page.locator('#category option', { hasText: 'Clothing' }).count(), 0) // archived
  await me.page.keyboard.press('Escape')
})

step('the list holds the month’s expenses', async () => {
  await me.section('Expenses')
  await until(async () => (await rows().count()) === 5)
  await me.page.locator('.summary').getByText('5 expenses').waitFor()
  await me.page.locator('.summary').getByText(money(83.3)).waitFor()
})

step('an expense is changed', async () => {
  await me.button('Edit Kiosk').click()
  assert.equal(await me.label('Amount').inputValue(), '0.20')
  await enter({ Amount: '3', Category: 'No category', 'Note (optional)': 'Magazine' })
  await me.button('Save changes').click()
  await me.toast('Changes saved.')
  await me.page.locator('.summary').getByText(money(86.1)).waitFor()
  const kiosk = (await everythingOf(mine)).expenses.find((e) => e.payee === 'Kiosk')
  assert.deepEqual([kiosk.amount, kiosk.category_id, kiosk.note], [3, null, 'Magazine'])
})

step('an expense is deleted, brought back, and deleted', async () => {
  const id = (await everythingOf(mine)).expenses.find((e) => e.payee === 'Kiosk').id
  await me.button('Delete Kiosk').click()
  await me.toast('Kiosk, €3.00 deleted.')
  await until(async () => (await rows().count()) === 4)
  await me.button('Undo').click()
  await until(async () => (await rows().count()) === 5)
  assert.equal((await everythingOf(mine)).expenses.find((e) => e.payee === 'Kiosk').id, id)
  await me.button('Edit Kiosk').click()
  await me.dialog('Edit expense').getByRole('button', { name: 'Delete', exact: true }).click()
  await until(async () => (await rows().count()) === 4)
  await me.page.reload()
  await me.settled()
  assert.equal(await rows().count(), 4)
})

step('searching finds payees and notes, also with odd signs', async () => {
  for (const [text, found] of [['corner "shop",', 1], ['MILK', 1], ['ż', 1], ['%', 0], ['_', 0], ['(', 2], ['), or', 0], ['*', 0], ['nothing like it', 0]]) {
    await me.label('Search expenses').fill(text)
    await me.page.waitForURL((url) => url.searchParams.get('q') === text)
    await until(async () => (await rows().count()) === found, `${found} found for ${text}`)
    await me.settled()
    if (found === 0) await me.see('Nothing found')
  }
  await me.label('Period').selectOption('all')
  for (const text of ['50%_', '\\it', 'landl']) {
    await me.label('Search expenses').fill(text)
    await me.page.waitForURL((url) => url.searchParams.get('q') === text)
    await until(async () => (await rows().count()) === 1, `one found for ${text}`)
    await me.page.locator('.summary').getByText(money(1234.56)).waitFor()
  }
  await me.label('Search expenses').fill('')
  await until(async () => (await rows().count()) === 5)
})

step('filtering by category', async () => {
  for (const [name, found] of [['Groceries', 2], ['Housing', 1], ['No category', 1], ['Transport', 0], ['Clothing (archived)', 0]]) {
    await me.page.locator('#filter-category').selectOption({ label: name })
    await until(async () => (await rows().count()) === found, `${found} in ${name}`)
    await me.settled()
  }
  await me.button('Clear the filter').click()
  await until(async () => (await rows().count()) === 5)
})

step('the expenses can be taken along as CSV', async () => {
  const [file] = await Promise.all([me.page.waitForEvent('download'), me.button('Export CSV').click()])
  await me.toast('5 expenses exported.')
  assert.equal(file.suggestedFilename(), 'kitty-expenses-all.csv')
  const bytes = await readFile(await file.path())
  assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  const text = bytes.subarray(3).toString('utf8')
  assert.ok(text.includes('"Corner ""Shop"", Ltd"'), text)
  const table = parseCsv(text)
  assert.deepEqual(table[0], ['Date', 'Paid to', 'Category', 'Amount', 'Currency', 'Note'])
  assert.deepEqual(table.slice(1).sort((a, b) => a[3] - b[3]), [
    [today(), 'Bäckerei Żółć 🥐', 'Groceries', '0.10', 'EUR', ''],
    [today(), "'=SUM(A1:A9)", '', '9.50', 'EUR', "'@home"],
    [today(), 'Corner "Shop", Ltd', 'Groceries', '12.50', 'EUR', 'milk, bread'],
    [today(), '<img src=x onerror=alert(1)>', 'Leisure', '61.00', 'EUR', ''],
    [lastMonth, 'Landlord', 'Housing', '1234.56', 'EUR', '50%_of \\it'],
  ])
})

// What the overview shows, read as a person reads it.
async function shownFigures() {
  const figure = Object.fromEntries(await me.page.locator('.figure').evaluateAll((all) => all.map((el) => [el.querySelector('dt').textContent, el.querySelector('.figure-value').textContent])))
  const bars = await me.page.locator('.budget-bars li').evaluateAll((all) => all.map((el) => [...el.querySelectorAll('.budget-name, .budget-sum, .budget-left')].map((part) => part.textContent)))
  return { figure, bars }
}

async function tableOf(title) {
  const toggle = me.page.getByRole('button', { name: `${title}: show as table` })
  await toggle.click()
  const cells = await me.page.getByRole('table', { name: title }).locator('tbody tr').evaluateAll((all) => all.map((tr) => [...tr.children].map((cell) => cell.textContent)))
  await toggle.click()
  return cells
}

step('the overview’s numbers are what was entered', async () => {
  const expected = figures(await everythingOf(mine), thisMonth())
  assert.equal(expected.spent, 83.1)
  await me.section('Overview')
  const { figure, bars } = await shownFigures()
  assert.equal(figure.Spent, money(expected.spent))
  assert.equal(figure['Left to spend'], money(expected.left))
  assert.deepEqual(bars.filter(([name]) => name !== 'No category').sort(), expected.byCategory.map(({ name, spent, budget }) => [
    name,
    budget === null ? money(spent) : `${money(spent)} of ${money(budget)}`,
    budget === null ? 'no budget' : spent > budget ? `${money(spent - budget)} over` : `${money(budget - spent)} left`,
  ]).sort())
  assert.deepEqual(bars.find(([name]) => name === 'No category'), ['No category', money(9.5), 'no budget'])

  const categories = (await tableOf('Where it went')).map(([name, spent]) => [name, spent])
  assert.deepEqual(categories, [['Leisure', money(61)], ['Groceries', money(12.6)], ['No category', money(9.5)]])
  assert.deepEqual(await tableOf('Twelve months'), expected.year.map(({ month, spent, budget }) => [monthLong(month), money(spent), budget ? money(budget) : '–']))
  const days = await tableOf('Over the month')
  assert.equal(days[Number(today().slice(8)) - 1][1], money(expected.spent))
  assert.equal(days[0][2], money(1234.56)) // the rent of last month's first day
})

step('the overview warns of what is over budget', async () => {
  const leisure = (await everythingOf(mine)).categories.find((c) => c.name === 'Leisure')
  await mine.from('budgets').insert({ category_id: leisure.id, month: thisMonth(), amount: 60 }).throwOnError()
  await me.page.reload()
  await me.settled()
  const notice = me.page.getByRole('region', { name: 'Over budget' })
  assert.equal(await notice.innerText(), 'One category is over budget: Leisure by €1.00.')
  await notice.getByRole('link', { name: 'Leisure' }).click()
  await me.at('/expenses')
  await until(async () => (await rows().count()) === 1)
  await me.page.goBack()
  await me.at('/overview')
  await me.settled()
})

step('the charts are named for those who do not see them', async () => {
  for (const name of [`Spending by category in ${monthLong(thisMonth())}`, `Spending through ${monthName(thisMonth())}`, 'Spending over twelve months']) {
    const chart = me.page.getByRole('img', { name })
    await chart.waitFor()
    const box = await chart.boundingBox()
    assert.ok(box.width > 150 && box.height > 150, `${name}: ${JSON.stringify(box)}`)
  }
  for (const image of await me.page.getByRole('img').all()) {
    assert.match(await image.evaluate((el) => el.getAttribute('aria-label') ?? document.getElementById(el.getAttribute('aria-labelledby').split(' ')[0]).textContent), /\w{3}/)
  }
})

step('going from month to month', async () => {
  const expected = figures(await everythingOf(mine), lastMonth)
  await me.button('Previous month').click()
  await me.page.locator('#month-label', { hasText: monthLong(lastMonth) }).waitFor()
  await me.settled()
  await until(async () => (await shownFigures()).figure.Spent === money(expected.spent))
  assert.equal((await shownFigures()).figure['Under budget'], money(expected.left))
  await me.section('Expenses') // the month is kept
  assert.equal(await me.page.locator('#month-label').textContent(), monthLong(lastMonth))
  await me.button('Edit Landlord').waitFor()
  await me.button('This month').click()
  await me.page.locator('#month-label', { hasText: monthLong(thisMonth()) }).waitFor()
  await me.go('/overview?month=1999-13') // nonsense in the address
  await me.page.locator('#month-label', { hasText: monthLong(thisMonth()) }).waitFor()
  await me.go('/expenses?month=2031-02')
  await me.see('Nothing in February 2031')
})

step('deleting a category moves its expenses if asked', async () => {
  await me.section('Categories')
  await me.button('Delete Leisure').click()
  await me.see('One expense (€61.00) belongs to it. No expense is lost.')
  await me.label('What becomes of the expenses').selectOption({ label: 'Move them to Health' })
  await me.button('Delete category').click()
  await me.toast('Leisure deleted.')
  const { categories, expenses, budgets } = await everythingOf(mine)
  const health = categories.find((c) => c.name === 'Health')
  assert.equal(expenses.find((e) => e.amount === 61).category_id, health.id)
  assert.equal(categories.some((c) => c.name === 'Leisure'), false)
  assert.equal(budgets.length, 4)
})

step('settings: currency and theme', async () => {
  await me.section('Settings')
  await me.label('Currency').selectOption('JPY')
  await me.toast('Amounts are now shown in JPY.')
  await me.label('Currency').selectOption('GBP')
  await me.toast('Amounts are now shown in GBP.')
  await me.page.getByRole('radio', { name: 'Dark' }).check({ force: true })
  const ground = () => me.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  assert.equal(await ground(), 'rgb(15, 19, 17)')
  await me.page.reload()
  await me.settled()
  assert.equal(await ground(), 'rgb(15, 19, 17)')
  await me.section('Overview')
  await until(async () => (await me.page.locator('.figure-value').first().textContent()) === '£83.10')
  await me.section('Settings')
  await me.page.getByRole('radio', { name: 'Automatic' }).check({ force: true })
  assert.notEqual(await ground(), 'rgb(15, 19, 17)')
  await me.label('Currency').selectOption('EUR')
  await me.toast('Amounts are now shown in EUR.')
})
