// Whether a page can be used without a mouse, without seeing it, and on any screen.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const focused = (visitor) => visitor.page.evaluate(() => {
  const el = document.activeElement
  if (!el || el === document.body) return null
  const style = (of) => getComputedStyle(of)
  // a choice shows its focus on the shape beside the invisible control
  const shown = style(el).opacity === '0' ? el.nextElementSibling : el
  const box = shown.getBoundingClientRect()
  return {
    what: `${el.tagName.toLowerCase()}#${el.id} ${el.getAttribute('aria-label') ?? el.textContent.trim().slice(0, 40)}`,
    id: el.id,
    text: el.getAttribute('aria-label') ?? el.textContent.trim(),
    visible: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    marked: (style(shown).outlineStyle !== 'none' && parseFloat(style(shown).outlineWidth) >= 1) || style(shown).boxShadow !== 'none' || shown.classList.contains('skip-link'),
  }
})

// Presses Tab until the focus is through; every stop must be visible and marked.
export async function tabThrough(visitor) {
  await visitor.page.evaluate(() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); scrollTo(0, 0) })
  const stops = []
  for (let i = 0; i < 400; i++) {
    await visitor.page.keyboard.press('Tab')
    const stop = await focused(visitor)
    if (!stop) break
    assert.ok(stop.visible, `${stop.what} has the focus and is not visible`)
    assert.ok(stop.marked, `${stop.what} has the focus and does not show it`)
    stops.push(stop)
    // a date is several stops; the same control twice in a row is none too many
    if (i > 3 && stop.what === stops[0].what) break
  }
  return stops
}

// Controls that Tab must reach: of radio buttons the chosen one.
export const reachable = (visitor, within = 'body') => visitor.page.locator(within).evaluate((root) =>
  [...root.querySelectorAll('a[href], button, input, select')].filter((el) => el.tabIndex >= 0 && !el.disabled && el.checkVisibility() && (el.type !== 'radio' || el.checked)).length)

export async function noSidewaysScroll(visitor, where) {
  const [content, screen] = await visitor.page.evaluate(() => [document.scrollingElement.scrollWidth, document.documentElement.clientWidth])
  assert.ok(content <= screen, `${where}: ${content} px of content on ${screen} px`)
}

export async function checkMarkup(visitor, where) {
  const problems = await visitor.page.evaluate(() => {
    const wrong = []
    const shown = (selector) => [...document.querySelectorAll(selector)].filter((el) => el.checkVisibility())
    const levels = shown('h1, h2, h3, h4').map((el) => Number(el.tagName[1]))
    if (levels.filter((n) => n === 1).length !== 1 || levels[0] !== 1) wrong.push(`headings: ${levels}`)
    levels.forEach((n, i) => { if (i && n > levels[i - 1] + 1) wrong.push(`headings skip a level: ${levels}`) })
    for (const el of shown('input, select')) if (!el.labels?.length && !el.getAttribute('aria-label') && el.getAttribute('aria-hidden') !== 'true') wrong.push(`no label: ${el.outerHTML}`)
    for (const el of shown('button, a[href]')) if (!el.textContent.trim() && !el.getAttribute('aria-label')) wrong.push(`no name: ${el.outerHTML}`)
    const ids = [...document.querySelectorAll('[id]')].map((el) => el.id)
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: #${id}`)
    if (document.querySelectorAll('main').length !== 1 || !document.title || !document.documentElement.lang) wrong.push('main, title or lang')
    return wrong
  })
  assert.deepEqual(problems, [], where)
  await visitor.page.evaluate(axe)
  const found = await visitor.page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary.replaceAll('\n', ' ')}`)))
  assert.deepEqual(found, [], where)
}
