// A real browser in front of a running project. Whatever the page complains about fails the step that did not expect it.
import assert from 'node:assert/strict'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { chromium } from 'playwright-core'

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
export const PATIENCE = 10_000

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS })

// A person at a browser of their own: nothing is shared with other visitors.
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', timezoneId: 'UTC', viewport: { width: 1320, height: 900 }, reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(PATIENCE)
  const visitor = new Visitor(context)
  context.on('page', (page) => visitor.watch(page))
  await context.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`content security policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`)))
  visitor.page = await context.newPage()
  visitors.add(visitor)
  return visitor
}

const visitors = new Set()

class Visitor {
  constructor(context) {
    Object.assign(this, { context, problems: [], allowed: [] })
  }

  watch(page) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.note(`console: ${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => this.note(`page error: ${error.stack ?? error}`))
    page.on('response', (response) => {
      if (response.status() >= 400) this.note(`answer: ${response.status()} ${response.request().method()} ${response.url()}`)
    })
    page.on('requestfailed', (request) => {
      const { errorText } = request.failure()
      // what a navigation or a download interrupts has not failed
      if (errorText !== 'net::ERR_ABORTED') this.note(`no answer: ${errorText} ${request.method()} ${request.url()}`)
    })
  }

  note(problem) {
    const expected = this.allowed.find(({ pattern }) => pattern.test(problem))
    if (expected) expected.seen++
    else this.problems.push(problem)
  }

  // Runs `work`, in which each of the patterns must be complained about, and may be.
  async expecting(patterns, work) {
    this.allowed = [patterns].flat().map((pattern) => ({ pattern, seen: 0 }))
    try {
      await work()
      for (const { pattern } of this.allowed) await until(() => this.allowed.find((a) => a.pattern === pattern).seen > 0, `a complaint like ${pattern}`)
    } finally {
      this.allowed = []
    }
  }

  see = (text) => see(this.page, text)
  toast = (text) => see(this.page.locator('#toasts'), text)
  button = (name) => this.page.getByRole('button', { name, exact: true })
  link = (name) => this.page.getByRole('link', { name, exact: true })
  label = (name) => this.page.getByLabel(name, { exact: true })
  dialog = (name) => this.page.getByRole('dialog', { name, exact: true })

  async go(path) {
    await this.page.goto(path)
  }

  async at(path) {
    await this.page.waitForURL((url) => (path instanceof RegExp ? path.test(url.href) : url.pathname === path))
  }

  // Waits until nothing is being loaded.
  async settled() {
    await this.page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('[aria-busy="true"], .skeletons, .boot'))
  }

  async section(name) {
    await this.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click()
    await this.page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
    await this.settled()
  }

  async signIn(email, password) {
    if (new URL(this.page.url()).pathname !== '/sign-in') await this.go('/sign-in')
    await this.label('E-mail').fill(email)
    await this.label('Password').fill(password)
    await this.button('Sign in').click()
  }

  async register(email, password) {
    await this.go('/register')
    await this.label('E-mail').fill(email)
    await this.label('Password').fill(password)
    await this.button('Create account').click()
  }

  async signOut() {
    await this.section('Settings')
    await this.button('Sign out').click()
    await this.at('/sign-in')
    await this.page.locator('h1', { hasText: 'Welcome back' }).waitFor()
  }

  // The session as the client library keeps it in this browser.
  session() {
    return this.keepSession(null)
  }

  // The same with some of it changed.
  keepSession(changes) {
    return this.page.evaluate((changes) => {
      const key = Object.keys(localStorage).find((name) => name.startsWith('sb-') && name.endsWith('-auth-token'))
      if (!key) return null
      const session = { ...JSON.parse(localStorage[key]), ...changes }
      if (changes) localStorage[key] = JSON.stringify(session)
      return session
    }, changes)
  }

  async close() {
    visitors.delete(this)
    await this.context.close()
  }
}

// A step of a scenario: a test that also fails when a page complained, and leaves a picture behind when it fails.
export function step(name, work, options = {}) {
  test(name, { timeout: 90_000, ...options }, async (t) => {
    try {
      await work(t)
      for (const visitor of visitors) assert.deepEqual(visitor.problems, [], 'the page complained')
    } catch (error) {
      for (const [i, visitor] of [...visitors].entries()) {
        const picture = path.join(os.tmpdir(), `mainstay-${path.basename(process.argv[1])}-${name.replaceAll(/\W+/g, '-')}-${i}.png`)
        await visitor.page.screenshot({ path: picture }).then(() => t.diagnostic(`${visitor.page.url()} looked like ${picture}`), () => {})
        if (visitor.problems.length) t.diagnostic(`the page complained: ${visitor.problems.join('\n')}`)
      }
      throw error
    } finally {
      for (const visitor of visitors) visitor.problems.length = 0
    }
  })
}

export async function see(place, text) {
  await place.getByText(text).first().waitFor()
}

// Asks until the answer is truthy, and answers it.
export async function until(ask, what = ask.toString(), patience = PATIENCE) {
  const deadline = Date.now() + patience
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
