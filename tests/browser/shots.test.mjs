// Pictures of the pages for the documents: `cargo xtask browser --shots`.
import assert from 'node:assert/strict'
import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { after, before } from 'node:test'
import { launch, step, visit } from '../support/browser.mjs'
import { up } from '../support/mainstay.mjs'

const folder = process.env.SHOTS
const options = { skip: !folder && 'SHOTS is not set' }

let app, browser, me

before(async () => {
  if (!folder) return
  await mkdir(folder, { recursive: true })
  ;[app, browser] = await Promise.all([up('systems/budget-app', { seed: true }), launch()])
  me = await visit(browser, app.url, { viewport: { width: 1320, height: 920 } })
})
after(async () => {
  await browser?.close()
  await app?.down()
})

// `whole`: a screen so tall that nothing must be scrolled.
async function shoot(name, { whole = false } = {}) {
  const file = path.join(folder, `${name}.png`)
  const viewport = me.page.viewportSize()
  await me.settled()
  await me.page.mouse.move(0, 0)
  if (whole) await me.page.setViewportSize({ ...viewport, height: await me.page.evaluate(() => document.documentElement.scrollHeight) })
  await me.page.screenshot({ path: file })
  if (whole) await me.page.setViewportSize(viewport)
  const { size } = await stat(file)
  assert.ok(size < 400_000, `${name}: ${size} bytes`)
}

step('pictures on a large screen', async () => {
  await me.go('/sign-in')
  await shoot('sign-in')
  await me.signIn('demo@example.com', 'demo-budget-1')
  await me.at('/overview')
  await shoot('overview-light', { whole: true })
  await me.page.emulateMedia({ colorScheme: 'dark' })
  await shoot('overview-dark', { whole: true })
  await me.page.emulateMedia({ colorScheme: 'light' })
  for (const section of ['Expenses', 'Budgets', 'Categories']) {
    await me.section(section)
    await shoot(section.toLowerCase())
  }
}, options)

step('pictures on a phone', async () => {
  await me.page.setViewportSize({ width: 375, height: 780 })
  await me.go('/overview')
  await shoot('phone-overview')
  await me.section('Expenses')
  await shoot('phone-expenses')
}, options)
