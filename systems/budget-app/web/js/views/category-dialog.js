/** Making and changing a category: its name, its colour, its sign. And deleting one. */
import * as api from '../api.js';
import { h, uid } from '../lib/dom.js';
import { openDialog } from '../lib/dialog.js';
import { badge, CATEGORY_COLOURS, CATEGORY_ICONS, icon } from '../lib/icons.js';
import { money } from '../lib/money.js';
import { toast } from '../lib/toast.js';
import { busy, button, field } from '../lib/ui.js';
import * as store from '../store.js';

/** Runs a change, then tells everyone; answers whether it worked. */
export async function change(work, said) {
  try {
    await work();
    await store.loadCategories();
    store.changed();
    if (said) toast(said);
    return true;
  } catch (error) { toast(error.message, { kind: 'bad' }); return false; }
}

export function editCategory(category = null) {
  return openDialog(category ? 'Edit category' : 'New category', (close) => form(category, close), { class: 'sheet' });
}

function form(category, close) {
  const free = Object.keys(CATEGORY_COLOURS).find((c) => !store.all().some((other) => other.colour === c));
  const draft = { colour: category?.colour ?? free ?? '#0f9b8e', icon: category?.icon ?? 'tag' };
  const name = field('Name', h('input', { id: 'category-name', maxlength: 40, autocomplete: 'off', required: true, value: category?.name ?? '', 'data-first': true }));
  const sample = h('div', { class: 'category-sample' });
  const problem = h('p', { class: 'form-problem', role: 'alert' });
  const redraw = () => sample.replaceChildren(badge(draft, 'l'));
  redraw();
  const pick = (legend, options, key, face) => {
    const group = uid('pick');
    return h('fieldset', { class: `pick pick-${key}` }, h('legend', {}, legend), h('div', {}, Object.entries(options).map(([value, label]) =>
      h('label', { title: label }, h('input', { type: 'radio', name: group, value, checked: draft[key] === value, 'aria-label': label, onchange: () => { draft[key] = value; redraw(); } }), face(value)))));
  };
  const save = button(category ? 'Save changes' : 'Add category', { kind: 'primary', type: 'submit' });
  return h('form', { class: 'dialog-body', novalidate: true, onsubmit: (e) => { e.preventDefault(); busy(save, submit); } },
    h('div', { class: 'category-top' }, sample, name),
    pick('Colour', CATEGORY_COLOURS, 'colour', (c) => h('span', { class: 'swatch', style: { '--c': c } })),
    pick('Sign', CATEGORY_ICONS, 'icon', (n) => h('span', { class: 'sign' }, icon(n))), problem,
    h('div', { class: 'actions end' }, button('Cancel', { onclick: () => close() }), save));

  async function submit() {
    const row = { name: name.control.value.trim(), ...draft };
    if (!row.name) { name.say('What is it called?'); return name.control.focus(); }
    if (store.all().some((c) => c.id !== category?.id && c.name.toLowerCase() === row.name.toLowerCase())) { name.say('There is a category of this name already.'); return name.control.focus(); }
    try {
      if (category) await api.changeCategory(category.id, row); else await api.addCategory(row);
      await store.loadCategories();
    } catch (error) { problem.textContent = error.code === '23505' ? 'There is a category of this name already.' : error.message; return undefined; }
    toast(category ? 'Changes saved.' : `${row.name} added.`);
    store.changed();
    return close();
  }
}

/** Says what a deletion does to the expenses, and lets one choose. */
export async function deleteCategory(category) {
  let totals;
  try { totals = await api.expenseTotals({ category: category.id }); } catch (error) { return toast(error.message, { kind: 'bad' }); }
  const others = store.all().filter((c) => c.id !== category.id);
  const target = h('select', { id: 'move-to' }, h('option', { value: '' }, 'Keep them without a category'), others.map((c) => h('option', { value: c.id }, `Move them to ${c.name}`)));
  const yes = await openDialog(`Delete ${category.name}?`, (close) => h('div', { class: 'dialog-body' },
    totals.expenses > 0
      ? [h('p', {}, `${totals.expenses === 1 ? 'One expense' : `${totals.expenses} expenses`} (${money(totals.total)}) ${totals.expenses === 1 ? 'belongs' : 'belong'} to it. No expense is lost.`), field('What becomes of the expenses', target)]
      : h('p', {}, 'No expense uses it.'),
    h('p', { class: 'quiet' }, 'Its budgets are deleted. To keep history as it is, archive the category instead.'),
    h('div', { class: 'actions end' }, button('Cancel', { onclick: () => close(false) }), button('Delete category', { kind: 'danger', onclick: () => close(true) }))), { class: 'narrow' });
  return yes && change(() => api.removeCategory(category.id, target.value || null), `${category.name} deleted.`);
}
