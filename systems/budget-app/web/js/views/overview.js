/** The month at a glance: figures, budget against actual, where it went, how the year goes. */
import * as api from '../api.js';
import { h } from '../lib/dom.js';
import { badge, icon } from '../lib/icons.js';
import { addMonths, dayInWords, dayOfMonth, daysIn, lastDay, monthLong, monthName, monthParam, thisMonth, today } from '../lib/dates.js';
import { money, moneyWhole, sum } from '../lib/money.js';
import { empty, skeleton } from '../lib/ui.js';
import { loader } from '../loader.js';
import * as store from '../store.js';
import { budgetBars } from '../charts/budget-bars.js';
import { chartCard } from '../charts/card.js';
import { donut } from '../charts/donut.js';
import { monthBars } from '../charts/month-bars.js';
import { pace } from '../charts/pace.js';
import { editExpense } from './expense-dialog.js';
import { firstSteps } from './first-steps.js';
import { chosenMonth, goMonth, monthSwitcher } from './month-switcher.js';

export function overview(outlet, query) {
  let month = chosenMonth(query);
  const months = monthSwitcher();
  const body = h('div', { class: 'overview' });
  outlet.append(h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Overview'), months.el), body);
  const load = loader(body, {
    skeleton: () => skeleton('kpis', 'tall', 'tall', 'tall'),
    load: () => fetchMonth(month),
    draw: (data) => draw(month, data),
  });
  const show = () => { months.show(month); load.run(); };
  show();
  return { update(next) { month = chosenMonth(next); show(); }, refresh: load.run, leave: load.cancel, keys: months.keys };
}

async function fetchMonth(month) {
  // The year's plot ends with this month, or with the chosen one when that lies outside.
  const now = thisMonth();
  const last = month > now || month <= addMonths(now, -12) ? month : now;
  const [rows, year, days, recent] = await Promise.all([
    api.monthOverview(month), api.spendingByMonth(12, last), api.spendingByDay(month),
    api.expenses({ first: month, last: lastDay(month) }, 0, 6)]);
  return { rows, year, days, recent };
}

function draw(month, { rows, year, days, recent }) {
  const spent = sum(rows.map((r) => r.spent));
  const planned = sum(rows.map((r) => r.budget ?? 0));
  if (!store.all().length || year.every((m) => m.expenses === 0) && !recent.length) {
    return firstSteps({ categories: store.all().length > 0, budgets: planned > 0 });
  }
  const over = rows.filter((r) => r.budget !== null && r.spent > r.budget);
  return [
    over.length > 0 && warning(month, over),
    figures(month, { rows, days, spent, planned }),
    h('div', { class: 'grid' },
      h('section', { class: 'card wide' }, h('div', { class: 'card-head' }, h('h2', {}, 'Budget against actual'), h('a', { href: `/budgets?month=${monthParam(month)}` }, 'Change the plan')),
        budgetBars(rows, month)),
      chartCard({ title: 'Where it went', class: 'narrow', empty: spent === 0 && `Nothing was spent in ${monthLong(month)}.`,
        ...donut(rows, { label: `Spending by category in ${monthLong(month)}`, onpick: (id) => `/expenses?month=${monthParam(month)}&category=${id ?? 'none'}` }) }),
      chartCard({ title: 'Over the month', class: 'half', ...pace(days, { month, planned }) }),
      chartCard({ title: 'Twelve months', class: 'half', ...monthBars(year, { month, onpick: goMonth }) }),
      latest(month, recent)),
  ];
}

function warning(month, over) {
  return h('section', { class: 'notice', 'aria-label': 'Over budget' }, icon('alert'),
    h('p', {}, h('strong', {}, over.length === 1 ? 'One category is over budget: ' : `${over.length} categories are over budget: `),
      over.map((r, i) => [i > 0 && ', ', h('a', { href: `/expenses?month=${monthParam(month)}&category=${r.category_id}` }, r.name), ` by ${money(r.spent - r.budget)}`]), '.'));
}

/** The four figures on top. Comparisons are fair: up to the same day of the month before. */
function figures(month, { rows, days, spent, planned }) {
  const now = thisMonth();
  const running = month === now;
  const day = running ? dayOfMonth(today()) : daysIn(month);
  const before = sum(days.filter((d) => !running || d.day <= day).map((d) => d.spent_before));
  const soFar = running ? sum(days.filter((d) => d.day <= day).map((d) => d.spent)) : spent;
  const left = planned - spent;
  const ahead = daysIn(month) - day + 1;
  const difference = soFar - before;
  const other = monthName(addMonths(month, -1));
  const count = rows.reduce((n, r) => n + r.expenses, 0);
  return h('dl', { class: 'figures' },
    figure('Spent', money(spent), planned ? `of ${money(planned)} planned` : 'No budget for this month'),
    planned
      ? figure(left < 0 ? 'Over budget' : running ? 'Left to spend' : 'Under budget', money(Math.abs(left)),
        left < 0 ? `${Math.round((spent / planned) * 100)} % of the plan` : running ? `${moneyWhole(left / ahead)} a day for ${ahead === 1 ? 'the last day' : `${ahead} days`}` : `${Math.round((spent / planned) * 100)} % of the plan used`,
        left < 0 ? 'bad' : 'good')
      : figure('Left to spend', '–', h('a', { href: '/budgets' }, 'Set a budget')),
    before > 0
      ? figure(`Against ${other}`, `${difference > 0 ? '+' : difference < 0 ? '−' : '±'}${money(Math.abs(difference))}`,
        running ? `${money(before)} by the same day` : `${money(before)} then`, difference > 0 ? 'warn' : 'good')
      : figure(`Against ${other}`, '–', 'Nothing to compare with'),
    figure('A day on average', money(month > now ? 0 : soFar / day), count === 1 ? '1 expense' : `${count} expenses`));
}

const figure = (name, value, text, tone = '') =>
  h('div', { class: `card figure ${tone}` }, h('dt', {}, name), h('dd', {}, h('span', { class: 'figure-value' }, value), h('span', { class: 'figure-text' }, text)));

function latest(month, recent) {
  return h('section', { class: 'card full' },
    h('div', { class: 'card-head' }, h('h2', {}, 'Latest expenses'), h('a', { href: `/expenses?month=${monthParam(month)}` }, 'See all')),
    recent.length
      ? h('ul', { class: 'latest' }, recent.map((e) => {
        const category = store.category(e.category_id);
        return h('li', {}, h('button', { type: 'button', class: 'latest-row', onclick: () => editExpense(e) }, badge(category),
          h('span', { class: 'latest-name' }, h('span', {}, e.payee), h('small', {}, [category.name, e.note].filter(Boolean).join(' · '))),
          h('span', { class: 'latest-day' }, dayInWords(e.spent_on)), h('span', { class: 'amount' }, money(e.amount))));
      }))
      : empty({ icon: 'list', level: 'h3', title: 'Nothing here yet', text: `No expense in ${monthLong(month)}.` }));
}
