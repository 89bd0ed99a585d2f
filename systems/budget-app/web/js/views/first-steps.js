/** What someone sees who has just begun: the three steps to a budget, each with its button. */
import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { busy, button } from '../lib/ui.js';
import { toast } from '../lib/toast.js';
import * as api from '../api.js';
import * as store from '../store.js';
import { editCategory } from './category-dialog.js';
import { editExpense } from './expense-dialog.js';

/** Fills in the common categories. */
export function commonCategories(kind = 'primary') {
  const el = button('Start with common categories', { kind, onclick: () => busy(el, async () => {
    try {
      const made = await api.startWithExamples();
      await store.loadCategories();
      toast(`${made.length} categories made. Rename or remove what does not fit.`);
      store.changed();
    } catch (error) { toast(error.message, { kind: 'bad' }); }
  }) });
  return el;
}

export function firstSteps({ categories, budgets }) {
  const steps = [
    ['Name what you spend on', 'Groceries, rent, the bus: categories make sense of the rest.', categories,
      () => [commonCategories(), button('Make my own', { onclick: () => editCategory() })]],
    ['Plan the month', 'A budget for each category shows early when a month runs away.', budgets,
      () => h('a', { class: 'button primary', href: '/budgets' }, 'Set budgets')],
    ['Note the first expense', 'An amount and a name are enough; it takes a few seconds.', false,
      () => button('Add expense', { kind: categories ? 'primary' : 'plain', onclick: () => editExpense() })],
  ];
  const current = steps.findIndex(([, , done]) => !done);
  return h('section', { class: 'card steps' }, h('h2', {}, 'Three steps to your budget'),
    h('ol', {}, steps.map(([title, text, done, actions], i) =>
      h('li', { class: done ? 'done' : i === current ? 'current' : '' },
        h('span', { class: 'step-mark' }, done ? icon('check', 18) : String(i + 1)),
        h('div', {}, h('h3', {}, title, done && h('span', { class: 'visually-hidden' }, ' (done)')), h('p', { class: 'quiet' }, text),
          !done && (i === current || categories) && h('div', { class: 'actions' }, actions()))))));
}
