/** The plan for a month: an amount for each category, saved as one leaves the field. */
import * as api from '../api.js';
import { h } from '../lib/dom.js';
import { addMonths, monthLong, monthName } from '../lib/dates.js';
import { badge } from '../lib/icons.js';
import { money, moneyWhole, parseMoney, plain, sum, symbol } from '../lib/money.js';
import { toast } from '../lib/toast.js';
import { busy, button, empty, skeleton } from '../lib/ui.js';
import { loader } from '../loader.js';
import * as store from '../store.js';
import { barOf } from '../charts/budget-bars.js';
import { editCategory } from './category-dialog.js';
import { commonCategories } from './first-steps.js';
import { chosenMonth, monthSwitcher } from './month-switcher.js';

export function budgets(outlet, query) {
  let month = chosenMonth(query);
  const months = monthSwitcher();
  const body = h('div', { class: 'budgets' });
  outlet.append(h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Budgets'), months.el), body);
  const load = loader(body, { skeleton: () => skeleton('line', 'rows'), load: () => api.monthOverview(month), draw: (rows) => draw(month, rows, load.run) });
  const show = () => { months.show(month); load.run(); };
  show();
  return { update(next) { month = chosenMonth(next); show(); }, refresh: load.run, leave: load.cancel, keys: months.keys };
}

function draw(month, data, reload) {
  const rows = data.filter((r) => r.category_id).sort((a, b) => (b.budget ?? -1) - (a.budget ?? -1) || a.name.localeCompare(b.name));
  if (!rows.length) {
    return empty({ icon: 'target', title: 'First the categories, then the plan', text: 'A budget belongs to a category. There is none yet.',
      actions: [commonCategories(), button('Make my own', { onclick: () => editCategory() })] });
  }
  const before = addMonths(month, -1);
  const copy = button(`Copy from ${monthName(before)}`, { icon: 'copy', id: 'copy-budgets', onclick: () => busy(copy, async () => {
    try {
      const added = await api.copyBudgets(before, month);
      toast(added ? `${added} ${added === 1 ? 'budget' : 'budgets'} copied from ${monthLong(before)}.` : `${monthLong(before)} has nothing that is missing here.`);
      if (added) reload();
    } catch (error) { toast(error.message, { kind: 'bad' }); }
  }) });
  const total = h('div', { class: 'budget-total' });
  const tell = () => {
    const [planned, spent] = [sum(rows.map((r) => r.budget ?? 0)), sum(data.map((r) => r.spent))];
    total.replaceChildren(part('Planned', money(planned)), part('Spent', money(spent)),
      part(spent > planned ? 'Over' : 'Left', money(Math.abs(planned - spent)), spent > planned ? 'bad' : 'good'));
  };
  tell();
  return [h('div', { class: 'budget-top' }, total, copy),
    h('ul', { class: 'card flush budget-grid' }, rows.map((r) => line(month, r, tell))),
    h('p', { class: 'quiet' }, 'An empty field means no budget. Changes are saved as you leave a field.')];
}

const part = (name, value, tone = '') => h('p', { class: tone }, h('span', {}, name), h('b', {}, value));

function line(month, row, tell) {
  const input = h('input', { inputmode: 'decimal', autocomplete: 'off', 'aria-label': `Budget for ${row.name}`, placeholder: '–', value: plain(row.budget), id: `budget-${row.category_id}` });
  const state = h('span', { class: 'budget-state', role: 'status' });
  const meter = h('div', { class: 'budget-meter' });
  const drawMeter = () => {
    const left = (row.budget ?? 0) - row.spent;
    meter.replaceChildren(barOf(row), h('span', { class: row.budget !== null && left < 0 ? 'bad' : '' },
      row.budget === null ? `${money(row.spent)} spent` : `${money(row.spent)} spent, ${money(Math.abs(left))} ${left < 0 ? 'over' : 'left'}`));
  };
  drawMeter();

  async function save() {
    const text = input.value.trim();
    const amount = text === '' ? null : parseMoney(text);
    const wrong = text !== '' && amount === null;
    if (wrong) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
    state.textContent = wrong ? 'Not an amount' : '';
    state.className = `budget-state ${wrong ? 'bad' : ''}`;
    if (wrong || amount === row.budget) return;
    try {
      if (amount === null) await api.removeBudget(row.category_id, month); else await api.saveBudget(row.category_id, month, amount);
      row.budget = amount;
      input.value = plain(amount);
      state.textContent = 'Saved';
      drawMeter();
      tell();
    } catch (error) {
      state.textContent = 'Not saved';
      state.className = 'budget-state bad';
      toast(error.message, { kind: 'bad' });
    }
  }
  input.addEventListener('change', save);
  input.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') { input.value = plain(row.budget); input.blur(); }
    if (e.key !== 'Enter') return;
    // Enter goes on to the next field, as in a spreadsheet.
    const fields = [...input.closest('ul').querySelectorAll('input')];
    (fields[fields.indexOf(input) + 1] ?? input).focus();
    if (fields.at(-1) === input) input.blur();
  });
  input.addEventListener('focus', () => input.select());
  const usual = row.usual > 0 && button(`Usually ${moneyWhole(row.usual)}`, { kind: 'hint', title: 'Average of the three months before. Press to use it.', 'aria-label': `Usually ${moneyWhole(row.usual)} for ${row.name}: use this amount`,
    onclick: () => { input.value = String(Math.round(row.usual)); save(); } });
  return h('li', {}, badge(store.category(row.category_id)), h('div', { class: 'budget-name' }, h('span', {}, row.name), usual), meter,
    h('div', { class: 'budget-input' }, h('div', { class: 'control money' }, h('span', { class: 'currency', 'aria-hidden': 'true' }, symbol()), input), state));
}
