// The pages without a mouse, on small screens, in the dark, at rest, and when the server or the network is away.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { checkMarkup, focused, noSidewaysScroll, reachable, tabThrough } from '../support/accessible.mjs'
import { launch, step, until, visit } from '../support/browser.mjs'
import { addMonths, monthLong, thisMonth } from '../support/budget.mjs'
import { up } from '../support/mainstay.mjs'

const demo = ['demo@example.com', 'demo-budget-1']
const sections = ['Overview', 'Expenses', 'Budgets', 'Categories', 'Settings']
const doors = ['/sign-in', '/register']

let app, browser, me, guest

before(async () => {
  ;[app, browser] = await Promise.all([up('systems/budget-app', { seed: true }), launch()])
  ;[me, guest] = [await visit(browser, app.url), await visit(browser, app.url)]
})
after(async () => {
  await browser?.close()
  await app?.down()
})

step('signing in by keyboard alone', async () => {
  await me.go('/')
  await me.at('/sign-in')
  await until(async () => (await focused(me))?.id === 'email')
  await me.page.keyboard.type(demo[0])
  await me.page.keyboard.press('Tab')
  await me.page.keyboard.type(demo[1])
  await me.page.keyboard.press('Enter')
  await me.at('/overview')
  await me.settled()
})

step('the skip link leads past the navigation', async () => {
  await me.page.reload()
  await me.settled()
  await me.page.keyboard.press('Tab')
  const first = await focused(me)
  assert.equal(first.text, 'Skip to content')
  assert.ok(first.visible)
  await me.page.keyboard.press('Enter')
  await until(async () => (await focused(me))?.id === 'main')
  await me.page.keyboard.press('Tab')
  assert.match((await focused(me)).text, /This month|Previous month/)
  await me.settled()
})

for (const section of sections) {
  step(`${section}: Tab reaches everything, and one sees where one is`, async () => {
    await me.section(section)
    const stops = await tabThrough(me)
    const expected = await reachable(me)
    assert.ok(stops.length >= expected, `${stops.length} stops for ${expected} controls`)
    assert.equal(stops[0].text, 'Skip to content')
    assert.deepEqual(stops.slice(2, 7).map((stop) => stop.text), sections)
  })
}

step('the doors: Tab reaches everything', async () => {
  for (const path of doors) {
    await guest.go(path)
    await guest.settled()
    const stops = await tabThrough(guest)
    assert.ok(stops.length >= await reachable(guest), path)
  }
})

step('single keys: n, Esc, /, ?, digits and arrows', async () => {
  await me.section('Overview')
  const { keyboard } = me.page
  await keyboard.press('n')
  await me.dialog('New expense').waitFor()
  await until(async () => (await focused(me)).id === 'amount')
  await keyboard.type('n/?') // letters are letters while one types
  assert.equal(await me.label('Amount').inputValue(), 'n/?')
  assert.equal(await me.page.locator('dialog[open]').count(), 1)
  await keyboard.press('Escape')
  await until(async () => (await me.page.locator('dialog').count()) === 0)
  await keyboard.press('?')
  await me.dialog('Keyboard shortcuts').waitFor()
  await keyboard.press('Escape')
  await until(async () => (await me.page.locator('dialog').count()) === 0)
  for (const [i, section] of sections.entries()) {
    await keyboard.press(String(i + 1))
    await me.page.getByRole('heading', { level: 1, name: section }).waitFor()
    await me.settled()
  }
  await keyboard.press('1')
  await me.settled()
  await keyboard.press('ArrowLeft')
  await me.page.locator('#month-label', { hasText: monthLong(addMonths(thisMonth(), -1)) }).waitFor()
  await keyboard.press('ArrowRight')
  await me.page.locator('#month-label', { hasText: monthLong(thisMonth()) }).waitFor()
  await keyboard.press('/')
  await me.at('/expenses')
  await until(async () => (await focused(me)).id === 'search')
  await keyboard.type('15') // no section is changed
  await me.page.waitForURL((url) => url.searchParams.get('q') === '15')
  await me.label('Search expenses').fill('')
  await me.settled()
})

step('single keys can be switched off', async () => {
  await me.section('Settings')
  await me.page.getByRole('switch', { name: 'Keyboard shortcuts' }).uncheck()
  await me.section('Overview')
  await me.page.keyboard.press('n')
  await me.page.keyboard.press('3')
  await me.page.waitForTimeout(150)
  assert.equal(await me.page.locator('dialog').count(), 0)
  await me.at('/overview')
  await me.section('Settings')
  await me.page.getByRole('switch', { name: 'Keyboard shortcuts' }).check()
})

step('a dialog keeps the focus inside and gives it back', async () => {
  await me.section('Expenses')
  await me.page.locator('#add-expense').focus()
  await me.page.keyboard.press('Enter')
  await me.dialog('New expense').waitFor()
  const seen = new Set()
  for (let i = 0; i < 24; i++) {
    const [inside, id] = await me.page.evaluate(() => [document.activeElement === document.body || !!document.activeElement.closest('dialog'), document.activeElement.id || document.activeElement.textContent])
    assert.ok(inside, `${id} is outside of the dialog`)
    seen.add(id)
    await me.page.keyboard.press('Tab')
  }
  for (const id of ['amount', 'payee', 'category', 'spent-on', 'note', 'Save', 'Save and add another']) assert.ok(seen.has(id), `${id} in ${[...seen]}`)
  await me.page.keyboard.press('Escape')
  await until(async () => (await focused(me))?.id === 'add-expense')
})

step('an expense by keyboard alone', async () => {
  const { keyboard } = me.page
  await keyboard.press('n')
  await until(async () => (await focused(me))?.id === 'amount')
  await keyboard.type('4.20')
  await keyboard.press('Tab')
  await keyboard.type('Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww')
  await keyboard.press('Enter')
  await me.toast('€4.20 added.') // and from here on a long name is on the pages
})

step('nothing scrolls sideways on small, middling and large screens', async () => {
  for (const width of [360, 768, 1320]) {
    for (const visitor of [me, guest]) await visitor.page.setViewportSize({ width, height: 800 })
    for (const section of sections) {
      await me.section(section)
      await noSidewaysScroll(me, `${section} at ${width}`)
    }
    await me.section('Expenses')
    await me.page.locator('#add-expense').click()
    await noSidewaysScroll(me, `a dialog at ${width}`)
    const box = await me.dialog('New expense').boundingBox()
    assert.ok(box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= 800, `${JSON.stringify(box)} at ${width}`)
    await me.page.keyboard.press('Escape')
    for (const path of doors) {
      await guest.go(path)
      await guest.settled()
      await noSidewaysScroll(guest, `${path} at ${width}`)
    }
  }
})

step('a row of the list fits a phone, and its buttons are large enough for a thumb', async () => {
  await me.page.setViewportSize({ width: 360, height: 800 })
  await me.section('Expenses')
  const small = await me.page.evaluate(() => [...document.querySelectorAll('button, a[href], select, input')].filter((el) => el.checkVisibility() && !el.matches('.skip-link'))
    .map((el) => [el.getAttribute('aria-label') ?? el.textContent, el.getBoundingClientRect()]).filter(([, box]) => box.height < 24 || box.width < 24).map(([name, box]) => `${name} ${box.width}x${box.height}`))
  assert.deepEqual(small, [])
  await me.page.setViewportSize({ width: 1320, height: 900 })
})

for (const colorScheme of ['light', 'dark']) {
  step(`${colorScheme}: markup, names and contrast`, async () => {
    for (const visitor of [me, guest]) await visitor.page.emulateMedia({ colorScheme })
    for (const section of sections) {
      await me.section(section)
      await checkMarkup(me, section)
    }
    await me.page.locator('#add-expense').click()
    await checkMarkup(me, 'new expense')
    await me.page.keyboard.press('Escape')
    await me.section('Categories')
    await me.page.locator('#add-category').click()
    await checkMarkup(me, 'new category')
    await me.page.keyboard.press('Escape')
    for (const path of doors) {
      await guest.go(path)
      await guest.settled()
      await checkMarkup(guest, path)
    }
  })

  step(`${colorScheme}: plain text is readable`, async () => {
    const ratios = await me.page.evaluate(() => {
      const channel = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).map((n) => channel(n / 255))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const behind = (el) => {
        for (; el; el = el.parentElement) {
          const colour = getComputedStyle(el).backgroundColor
          if (/^rgb\(/.test(colour)) return colour
        }
        return 'rgb(255, 255, 255)'
      }
      return [...document.querySelectorAll('body, h1, h2, .quiet, .row-name, .button')].filter((el) => el.checkVisibility()).map((el) => {
        const [a, b] = [luminance(getComputedStyle(el).color), luminance(behind(el))]
        return [el.className || el.tagName, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]
      })
    })
    assert.ok(ratios.length > 5)
    for (const [name, ratio] of ratios) assert.ok(ratio >= 4.5, `${name}: ${ratio.toFixed(2)}`)
  })
}

step('dark follows the system', async () => {
  const ground = (visitor) => visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  for (const [colorScheme, colour] of [['light', 'rgb(244, 245, 241)'], ['dark', 'rgb(15, 19, 17)']]) {
    await me.page.emulateMedia({ colorScheme })
    assert.equal(await ground(me), colour)
  }
  await me.page.emulateMedia({ colorScheme: 'light' })
})

step('nothing moves for those who asked for that', async () => {
  const moving = () => me.page.evaluate(() => document.getAnimations().length)
  await me.page.emulateMedia({ reducedMotion: 'reduce' })
  await me.section('Overview')
  assert.equal(await moving(), 0)
  await me.page.emulateMedia({ reducedMotion: 'no-preference' })
  await me.page.reload()
  await until(async () => (await moving()) > 0)
  await me.page.emulateMedia({ reducedMotion: 'reduce' })
})

step('a server that does not answer: a banner, and a way to try again', async () => {
  for (const [how, text] of [
    [(route) => route.abort('connectionrefused'), 'The server cannot be reached. Check the connection and try again.'],
    [(route) => route.fulfill({ status: 503, headers: { 'retry-after': '0' }, json: { code: 'MS503', message: 'no database' } }), 'The server has a problem right now. Nothing was lost; please try again.'],
    [(route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }), 'The server has a problem right now.'],
  ]) {
    await me.go('/settings')
    await me.settled()
    await me.page.route('**/rest/v1/**', how)
    await me.expecting(/\/rest\/v1\//, async () => {
      await me.link('Overview').click()
      const banner = me.page.getByRole('alert')
      await banner.getByText(text).waitFor()
      await me.see('This could not be loaded')
      await banner.getByRole('button', { name: 'Try again' }).click() // still away
      await banner.getByText(text).waitFor()
      await me.page.unroute('**/rest/v1/**')
      await banner.getByRole('button', { name: 'Try again' }).click()
      await me.see('Budget against actual')
      await until(async () => (await banner.count()) === 0)
      await me.settled() // no late answer of a request that was given up
    })
  }
})

step('what could not be saved stays in the form', async () => {
  await me.section('Expenses')
  await me.page.locator('#add-expense').click()
  await me.label('Amount').fill('11')
  await me.label('Paid to').fill('Nobody yet')
  await me.page.route('**/rest/v1/expenses*', (route) => (route.request().method() === 'POST' ? route.abort('connectionreset') : route.continue()))
  await me.expecting(/\/rest\/v1\/expenses/, async () => {
    await me.button('Save').click()
    await me.dialog('New expense').getByText('The server cannot be reached.').waitFor()
  })
  assert.equal(await me.label('Paid to').inputValue(), 'Nobody yet')
  await me.page.unroute('**/rest/v1/expenses*')
  await me.button('Save').click()
  await me.toast('Nobody yet, €11.00 added.')
})

step('a network that is away is told and noticed when it is back', async () => {
  await me.section('Overview')
  await me.context.setOffline(true)
  await me.see('You are offline.')
  await me.context.setOffline(false)
  await until(async () => (await me.page.getByText('You are offline.').count()) === 0)
  await me.settled()
})

step('a server that is away from the beginning', async () => {
  await me.page.route('**/mainstay.json', (route) => route.abort('connectionrefused'))
  await me.expecting(/mainstay\.json/, async () => {
    await me.page.reload()
    await me.see('Your budget cannot be opened')
  })
  await checkMarkup(me, 'cannot be opened')
  await me.page.unroute('**/mainstay.json')
  await me.button('Try again').click()
  await me.section('Overview')
})

step('an address that does not exist', async () => {
  await me.go('/no/such/page') // the app knows no such view
  await me.at('/overview')
  for (const file of ['/no-such-file.js', '/css/none.css', '/vendor/', '/.mainstay/secrets.toml', '/../mainstay.toml', '/%2e%2e/mainstay.toml']) {
    const answer = await fetch(app.url + file)
    assert.notEqual(answer.status, 200, file)
    assert.doesNotMatch(await answer.text(), /budget-app|secret/i, file)
  }
})

step('a page that does not exist, where pages are files', async () => {
  const files = await up('systems/budget-app', { env: { MAINSTAY_PORTAL_SPA: 'false' } })
  const reader = await visit(browser, files.url, { viewport: { width: 360, height: 700 } })
  try {
    await reader.expecting(/404.*\/no\/such\/page/, () => reader.go('/no/such/page'))
    await noSidewaysScroll(reader, 'not found')
    for (const colorScheme of ['light', 'dark']) {
      await reader.page.emulateMedia({ colorScheme })
      await checkMarkup(reader, `not found, ${colorScheme}`)
    }
    assert.deepEqual(reader.problems, [])
  } finally {
    await reader.close()
    await files.down()
  }
})
