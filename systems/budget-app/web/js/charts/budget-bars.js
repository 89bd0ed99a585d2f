/** Budget against actual: a line for every category, as text and as a bar. */
import { h, s } from '../lib/dom.js';
import { badge } from '../lib/icons.js';
import { dayOfMonth, daysIn, monthParam, thisMonth, today } from '../lib/dates.js';
import { money } from '../lib/money.js';

export function budgetBars(rows, month) {
  const shown = rows.filter((r) => r.spent > 0 || r.budget !== null).sort((a, b) => (b.budget ?? 0) - (a.budget ?? 0) || b.spent - a.spent);
  if (!shown.length) return h('p', { class: 'chart-empty' }, 'No budget and no expense this month.');
  // In the running month a mark shows how much of the month has passed.
  const passed = month === thisMonth() ? dayOfMonth(today()) / daysIn(month) : null;
  return h('div', {}, h('ul', { class: 'budget-bars' }, shown.map((row) => line(row, month, passed))),
    passed !== null && shown.some((r) => r.budget > 0 && r.spent <= r.budget) && h('p', { class: 'legend-note' }, s('svg', { width: 8, height: 14, 'aria-hidden': 'true' }, s('line', { class: 'bar-pace', x1: 4, x2: 4, y1: 0, y2: 14 })), 'where the month is today'));
}

function line(row, month, passed) {
  const { spent, budget } = row;
  const over = budget !== null && spent > budget;
  const state = budget === null ? ['no budget', ''] : over ? [`${money(spent - budget)} over`, 'bad'] : [`${money(budget - spent)} left`, spent > budget * 0.9 ? 'warn' : ''];
  return h('li', { class: over ? 'over' : '' }, badge(row),
    h('div', { class: 'budget-line' },
      h('div', { class: 'budget-text' },
        h('a', { class: 'budget-name', href: `/expenses?month=${monthParam(month)}&category=${row.category_id ?? 'none'}` }, row.name),
        h('span', { class: 'budget-sum' }, h('b', {}, money(spent)), budget !== null && ` of ${money(budget)}`),
        h('span', { class: `budget-left ${state[1]}` }, state[0])),
      barOf(row, passed)));
}

/** The whole width is the budget; where more was spent, the part beyond is marked. */
export function barOf({ name, spent, budget, colour }, passed = null) {
  const whole = Math.max(budget ?? 0, spent) || 1;
  const inside = Math.min(spent, budget ?? spent) / whole;
  const pc = (share) => `${(share * 100).toFixed(2)}%`;
  const over = budget !== null && spent > budget;
  return s('svg', { class: 'bar', width: '100%', height: 14, role: 'img', 'aria-label': budget ? `${name}: ${Math.round((spent / budget) * 100)} % of the budget` : `${name}: no budget` },
    s('rect', { class: 'bar-track', y: 3, width: '100%', height: 8, rx: 4 }),
    spent > 0 && s('rect', { class: 'bar-fill', y: 3, width: pc(over ? 1 : inside), height: 8, rx: 4, fill: colour, opacity: budget === null ? 0.45 : 1 }),
    over && budget > 0 && s('rect', { class: 'bar-fill bar-over', x: pc(inside), y: 3, width: pc(1 - inside), height: 8, rx: 2 }),
    over && budget > 0 && s('line', { class: 'bar-limit', x1: pc(inside), x2: pc(inside), y1: 0, y2: 14 }),
    passed !== null && budget > 0 && !over && s('line', { class: 'bar-pace', x1: pc(passed), x2: pc(passed), y1: 0, y2: 14 }));
}
