/** All expenses: by month or all, by category, by words; add, change, delete, take along as CSV. */
import * as api from '../api.js';
import { debounce, h } from '../lib/dom.js';
import { download, toCsv } from '../lib/csv.js';
import { dayInWords, lastDay, monthLong, monthParam } from '../lib/dates.js';
import { badge, icon } from '../lib/icons.js';
import { currency, money, sum } from '../lib/money.js';
import { toast } from '../lib/toast.js';
import { busy, button, empty, iconButton, skeleton } from '../lib/ui.js';
import { loader } from '../loader.js';
import { setQuery } from '../router.js';
import * as store from '../store.js';
import { deleteExpense, editExpense } from './expense-dialog.js';
import { commonCategories } from './first-steps.js';
import { chosenMonth, monthSwitcher } from './month-switcher.js';

const PAGE = 50;

export function expenses(outlet, query) {
  let filter;
  let month;
  let everything; // all months
  let loaded = 0;
  const months = monthSwitcher();
  const range = h('select', { id: 'period', 'aria-label': 'Period', onchange: (e) => setQuery({ month: e.target.value === 'all' ? 'all' : monthParam(month) }) },
    h('option', { value: 'month' }, 'One month'), h('option', { value: 'all' }, 'All time'));
  const search = h('input', { type: 'search', id: 'search', placeholder: 'Search payee or note', 'aria-label': 'Search expenses', 'aria-keyshortcuts': '/', autocomplete: 'off', maxlength: 100,
    oninput: debounce(() => setQuery({ q: search.value.trim() }), 250) });
  const category = h('select', { id: 'filter-category', 'aria-label': 'Category', onchange: () => setQuery({ category: category.value }) });
  const save = button('Export CSV', { icon: 'download', onclick: () => busy(save, () => exportCsv(filter, everything ? 'all' : monthParam(month))) });
  const body = h('div', { class: 'expenses' });
  outlet.append(
    h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Expenses'), months.el),
    h('div', { class: 'filters', role: 'search' }, h('div', { class: 'search' }, icon('search', 18), search), category, range, save), body);

  const load = loader(body, {
    skeleton: () => skeleton('line', 'rows'),
    load: async () => {
      // A reload after a change keeps as many rows as were shown.
      const [rows, totals] = await Promise.all([api.expenses(filter, 0, Math.max(PAGE, loaded)), api.expenseTotals(filter)]);
      return { rows, totals };
    },
    draw: ({ rows, totals }) => {
      loaded = rows.length;
      save.disabled = !rows.length;
      return rows.length ? list(rows, totals) : nothing();
    },
  });

  function read(next) {
    everything = next.month === 'all';
    month = chosenMonth(next);
    filter = { first: everything ? null : month, last: everything ? null : lastDay(month), category: next.category ?? '', search: (next.q ?? '').trim() };
    months.show(month);
    months.el.hidden = everything;
    range.value = everything ? 'all' : 'month';
    if (document.activeElement !== search) search.value = filter.search;
    category.replaceChildren(h('option', { value: '' }, 'All categories'), ...store.all().map((c) => h('option', { value: c.id }, c.archived ? `${c.name} (archived)` : c.name)), h('option', { value: 'none' }, 'No category'));
    category.value = filter.category;
  }

  function list(rows, totals) {
    const table = h('table', { class: 'expense-table' }, h('caption', { class: 'visually-hidden' }, 'Expenses by day'),
      h('thead', {}, h('tr', {}, ['Payee', 'Category', 'Amount', 'Actions'].map((t, i) => h('th', { scope: 'col', class: i === 2 && 'number' }, i === 3 ? h('span', { class: 'visually-hidden' }, t) : t)))));
    const shown = [...rows];
    const drawDays = () => { table.querySelectorAll('tbody').forEach((b) => b.remove()); table.append(...byDay(shown)); };
    drawDays();
    const more = button('Load more', { kind: 'wide', onclick: () => busy(more, async () => {
      try {
        const next = await api.expenses(filter, shown.length, PAGE);
        shown.push(...next);
        loaded = shown.length;
        drawDays();
        more.hidden = next.length < PAGE || shown.length >= totals.expenses;
        told.textContent = `${shown.length} of ${totals.expenses} shown`;
      } catch (error) { toast(error.message, { kind: 'bad' }); }
    }) });
    more.hidden = shown.length >= totals.expenses;
    const told = h('p', { class: 'quiet centre', role: 'status' }, more.hidden ? '' : `${shown.length} of ${totals.expenses} shown`);
    return [h('p', { class: 'summary', role: 'status' }, h('span', {}, totals.expenses === 1 ? '1 expense' : `${totals.expenses} expenses`), h('b', {}, money(totals.total))),
      h('div', { class: 'card flush' }, table), told, more];
  }

  function nothing() {
    const narrowed = filter.search || filter.category;
    if (narrowed) {
      return empty({ icon: 'search', title: 'Nothing found', text: `No expense matches${everything ? '' : ` in ${monthLong(month)}`}.`,
        actions: [button('Clear the filter', { onclick: () => { search.value = ''; setQuery({ q: '', category: '' }); } }), !everything && button('Search all time', { onclick: () => setQuery({ month: 'all' }) })].filter(Boolean) });
    }
    return empty({ icon: 'list', title: everything ? 'No expenses yet' : `Nothing in ${monthLong(month)}`, text: 'An amount and a name are enough to begin.',
      actions: [button('Add expense', { kind: 'primary', icon: 'plus', onclick: () => editExpense() }), !store.all().length && commonCategories('plain')].filter(Boolean) });
  }

  const show = (next) => { read(next); loaded = 0; load.run(); };
  show(query);
  return { update: show, refresh: () => { read(Object.fromEntries(new URLSearchParams(location.search))); load.run(); }, leave: load.cancel,
    keys: { '/': () => search.focus(), ArrowLeft: everythingOr('ArrowLeft'), ArrowRight: everythingOr('ArrowRight') } };

  function everythingOr(key) { return () => { if (!everything) months.keys[key](); }; }
}

/** One table body for each day, headed by the day and its sum. */
function byDay(rows) {
  const days = Map.groupBy ? Map.groupBy(rows, (r) => r.spent_on) : group(rows);
  return [...days].map(([day, of]) => h('tbody', {},
    h('tr', { class: 'day' }, h('th', { scope: 'rowgroup', colspan: 4 }, h('span', {}, dayInWords(day)), h('span', { class: 'day-sum' }, money(sum(of.map((r) => r.amount)))))),
    of.map(row)));
}

function group(rows) {
  const days = new Map();
  for (const r of rows) days.set(r.spent_on, [...(days.get(r.spent_on) ?? []), r]);
  return days;
}

function row(e) {
  const category = store.category(e.category_id);
  return h('tr', {},
    h('td', { class: 'payee' }, h('button', { type: 'button', class: 'row-button', onclick: () => editExpense(e) }, badge(category), h('span', { class: 'payee-text' }, h('span', {}, e.payee), h('small', {}, h('span', { class: 'on-small' }, category.name, e.note && ' · '), e.note)))),
    h('td', { class: 'category' }, h('span', { class: 'dot', style: { '--c': category.colour } }), category.name),
    h('td', { class: 'number amount' }, money(e.amount)),
    h('td', { class: 'row-actions' }, iconButton('edit', `Edit ${e.payee}`, { onclick: () => editExpense(e) }), iconButton('trash', `Delete ${e.payee}`, { onclick: () => deleteExpense(e) })));
}

/** Everything that the filter selects, as a file. */
export async function exportCsv(filter, name) {
  try {
    const rows = await api.allExpenses(filter);
    download(`kitty-expenses-${name}.csv`, toCsv([['Date', 'Paid to', 'Category', 'Amount', 'Currency', 'Note'],
      ...rows.map((e) => [e.spent_on, e.payee, e.category_id ? store.category(e.category_id).name : '', e.amount, currency(), e.note])]));
    toast(rows.length === 1 ? '1 expense exported.' : `${rows.length} expenses exported.`);
  } catch (error) { toast(error.message, { kind: 'bad' }); }
}
