/** Adding and changing an expense, and deleting one with a way back. */
import * as api from '../api.js';
import { h } from '../lib/dom.js';
import { today } from '../lib/dates.js';
import { openDialog } from '../lib/dialog.js';
import { money, parseMoney, plain, symbol } from '../lib/money.js';
import { toast } from '../lib/toast.js';
import { busy, button, field } from '../lib/ui.js';
import * as store from '../store.js';

let lastDay = null; // several receipts in a row tend to have one date

/** Opens the form: empty, or with `expense` to change it. */
export function editExpense(expense = null) {
  return openDialog(expense ? 'Edit expense' : 'New expense', (close) => form(expense, close), { class: 'sheet' });
}

function form(expense, close) {
  const figure = h('input', { id: 'amount', inputmode: 'decimal', autocomplete: 'off', placeholder: '0.00', value: expense ? plain(expense.amount) : '', 'data-first': true, required: true });
  h('div', { class: 'control money' }, h('span', { class: 'currency', 'aria-hidden': 'true' }, symbol()), figure);
  const amount = field('Amount', figure, { class: 'amount-field' });
  const payees = h('datalist', { id: 'payees' });
  const payee = field('Paid to', h('input', { id: 'payee', list: 'payees', maxlength: 120, autocomplete: 'off', value: expense?.payee ?? '', required: true }));
  const category = field('Category', categorySelect(expense?.category_id ?? ''));
  const day = field('Date', h('input', { id: 'spent-on', type: 'date', value: expense?.spent_on ?? lastDay ?? today(), min: '1970-01-01', max: '2199-12-31', required: true }));
  const note = field('Note (optional)', h('input', { id: 'note', maxlength: 500, autocomplete: 'off', value: expense?.note ?? '' }));
  const problem = h('p', { class: 'form-problem', role: 'alert' });
  let chosen = !!expense; // a category picked by hand is not changed by a suggestion
  category.control.addEventListener('change', () => { chosen = true; });
  suggest(payees, payee.control, (id) => { if (!chosen) category.control.value = id; });

  async function save(again) {
    const value = parseMoney(amount.control.value);
    const wrong = [
      [amount, value ? null : 'An amount above zero, such as 12.50.'],
      [payee, payee.control.value.trim() ? null : 'Who was paid?'],
      [day, day.control.value ? null : 'Which day was it?'],
    ].filter(([f, text]) => { f.say(text); return text; });
    if (wrong.length) return wrong[0][0].control.focus();
    const row = { amount: value, payee: payee.control.value.trim(), category_id: category.control.value || null, spent_on: day.control.value, note: note.control.value.trim() };
    problem.textContent = '';
    try {
      if (expense) await api.changeExpense(expense.id, row); else await api.addExpense(row);
    } catch (error) { problem.textContent = error.message; return undefined; }
    lastDay = expense ? lastDay : row.spent_on;
    toast(expense ? 'Changes saved.' : `${row.payee}, ${money(row.amount)} added.`);
    store.changed();
    if (!again) return close();
    for (const f of [amount, payee, note]) f.control.value = '';
    category.control.value = '';
    chosen = false;
    return amount.control.focus();
  }

  const keep = button(expense ? 'Save changes' : 'Save', { kind: 'primary', type: 'submit' });
  const more = !expense && button('Save and add another', { onclick: () => busy(more, () => save(true)) });
  return h('form', { class: 'dialog-body expense-form', novalidate: true, onsubmit: (e) => { e.preventDefault(); busy(keep, () => save(false)); } },
    amount, payee, payees, h('div', { class: 'pair' }, category, day), note, problem,
    h('div', { class: 'actions end' },
      expense && button('Delete', { kind: 'danger-text start', icon: 'trash', onclick: () => { close(); deleteExpense(expense); } }),
      more || button('Cancel', { onclick: () => close() }), keep));
}

/** The categories in use, and the one chosen already even if it is archived. */
function categorySelect(chosen) {
  const listed = store.all().filter((c) => !c.archived || c.id === chosen);
  return h('select', { id: 'category' }, h('option', { value: '' }, 'No category'),
    listed.map((c) => h('option', { value: c.id, selected: c.id === chosen }, c.archived ? `${c.name} (archived)` : c.name)));
}

/** Offers names paid before, and picks the category each had last. */
async function suggest(list, input, pick) {
  let known = new Map();
  input.addEventListener('input', () => {
    const id = known.get(input.value.trim().toLowerCase())?.category_id;
    if (id && !store.category(id).archived) pick(id);
  });
  try {
    for (const row of await api.recentPayees()) {
      const key = row.payee.toLowerCase();
      if (!known.has(key)) known.set(key, row);
    }
    list.append(...[...known.values()].slice(0, 80).map((row) => h('option', { value: row.payee })));
  } catch { known = new Map(); /* the form works without suggestions */ }
}

/** Deletes at once; the message offers to undo it. */
export async function deleteExpense(expense) {
  try {
    await api.removeExpense(expense.id);
    store.changed();
    toast(`${expense.payee}, ${money(expense.amount)} deleted.`, { action: ['Undo', async () => {
      try { await api.addExpense(expense); store.changed(); } catch (error) { toast(error.message, { kind: 'bad' }); }
    }] });
  } catch (error) { toast(error.message, { kind: 'bad' }); }
}
