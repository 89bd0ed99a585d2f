// What the budget app is expected to show, worked out from its rows and not from its own code.
import { client, ok } from './clients.mjs'

export const isoDay = (date) => date.toISOString().slice(0, 10)
export const today = () => isoDay(new Date())
export const thisMonth = () => `${today().slice(0, 7)}-01`
export const addMonths = (month, n) => {
  const [year, number] = month.split('-').map(Number)
  return isoDay(new Date(Date.UTC(year, number - 1 + n, 1)))
}
const words = (options) => (day) => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }).format(new Date(`${day}T00:00:00Z`))
export const monthLong = words({ month: 'long', year: 'numeric' })
export const monthName = words({ month: 'long' })
export const money = (amount, currency = 'EUR') => new Intl.NumberFormat('en-GB', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(amount)

// Someone signed in through the client library, beside the browser.
export async function beside(instance, { email, password }) {
  const it = client(instance)
  const { user, session } = ok(await it.auth.signInWithPassword({ email, password }))
  return Object.assign(it, { id: user.id, session })
}

// Everything that a person has, in a fixed order.
export async function everythingOf(person) {
  const tables = { categories: 'id', budgets: 'category_id', expenses: 'id', preferences: 'user_id' }
  const all = await Promise.all(Object.entries(tables).map(async ([table, order]) => [table, ok(await person.from(table).select('*').order(order))]))
  return Object.fromEntries(all)
}

const cents = (rows) => rows.reduce((total, row) => total + Math.round(row.amount * 100), 0)

export function figures({ categories, budgets, expenses }, month) {
  const inMonth = (m) => expenses.filter((e) => e.spent_on.slice(0, 7) === m.slice(0, 7))
  const plan = (m) => budgets.filter((b) => b.month === m)
  const spent = cents(inMonth(month))
  const planned = cents(plan(month))
  return {
    spent: spent / 100, planned: planned / 100, left: (planned - spent) / 100, count: inMonth(month).length,
    byCategory: categories.map((c) => {
      const mine = plan(month).find((b) => b.category_id === c.id)
      return { name: c.name, spent: cents(inMonth(month).filter((e) => e.category_id === c.id)) / 100, budget: mine ? mine.amount : null }
    }).filter((c) => c.spent > 0 || c.budget !== null),
    year: Array.from({ length: 12 }, (_, i) => addMonths(thisMonth(), i - 11)).map((m) => ({ month: m, spent: cents(inMonth(m)) / 100, budget: cents(plan(m)) / 100 })),
  }
}

// RFC 4180.
export function parseCsv(text) {
  const rows = []
  let row = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text)
    if (!match) throw new Error(`no CSV: ${text}`)
    row.push(match[1]?.replaceAll('""', '"') ?? match[2])
    if (match[3] !== ',') { rows.push(row); row = [] }
  }
  return rows
}
