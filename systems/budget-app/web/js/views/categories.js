/** What money is spent on: add, rename, colour, archive, delete. */
import * as api from '../api.js';
import { h } from '../lib/dom.js';
import { badge } from '../lib/icons.js';
import { button, empty, iconButton, skeleton } from '../lib/ui.js';
import { loader } from '../loader.js';
import * as store from '../store.js';
import { change, deleteCategory, editCategory } from './category-dialog.js';
import { commonCategories } from './first-steps.js';

export function categories(outlet) {
  const body = h('div', { class: 'categories' });
  outlet.append(h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Categories'),
    button('Add category', { icon: 'plus', id: 'add-category', onclick: () => editCategory() })), body);
  const load = loader(body, { skeleton: () => skeleton('rows'), load: store.loadCategories, draw });
  load.run();
  return { update: load.run, refresh: load.run, leave: load.cancel };
}

function draw() {
  const active = store.active();
  const archived = store.all().filter((c) => c.archived);
  if (!active.length && !archived.length) {
    return empty({ icon: 'tag', title: 'No categories yet', text: 'They make sense of what is spent. Take a common set and change it, or make your own.',
      actions: [commonCategories(), button('Make my own', { onclick: () => editCategory() })] });
  }
  return [
    h('ul', { class: 'card flush category-list', 'aria-label': 'Categories' }, active.map(row)),
    archived.length > 0 && h('section', {}, h('h2', {}, 'Archived'), h('p', { class: 'quiet' }, 'They keep their history and are not offered for new expenses.'),
      h('ul', { class: 'card flush category-list archived', 'aria-label': 'Archived categories' }, archived.map(row))),
  ];
}

function row(c) {
  return h('li', {}, badge(c), h('button', { type: 'button', class: 'row-name', onclick: () => editCategory(c) }, c.name),
    h('div', { class: 'row-actions' },
      iconButton('edit', `Edit ${c.name}`, { onclick: () => editCategory(c) }),
      c.archived
        ? iconButton('restore', `Restore ${c.name}`, { onclick: () => change(() => api.changeCategory(c.id, { archived: false }), `${c.name} is back.`) })
        : iconButton('archive', `Archive ${c.name}`, { onclick: () => change(() => api.changeCategory(c.id, { archived: true }), `${c.name} archived.`) }),
      iconButton('trash', `Delete ${c.name}`, { onclick: () => deleteCategory(c) })));
}
