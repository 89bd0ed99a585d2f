/** The frame around the views of a signed-in person: navigation, the add button, the banner. */
import { h } from './lib/dom.js';
import { icon, logo } from './lib/icons.js';
import { button } from './lib/ui.js';
import { editExpense } from './views/expense-dialog.js';

export const SECTIONS = [
  ['/overview', 'Overview', 'chart'], ['/expenses', 'Expenses', 'list'], ['/budgets', 'Budgets', 'target'],
  ['/categories', 'Categories', 'tag'], ['/settings', 'Settings', 'gear'],
];

let main = null;

/** The place for a view inside the frame; the frame is built when it is not there. */
export function inside() {
  if (main?.isConnected) return main;
  main = h('main', { id: 'main', tabindex: '-1' });
  document.getElementById('app').replaceChildren(
    h('header', { class: 'side' },
      h('a', { class: 'brand', href: '/overview' }, logo(), h('span', {}, 'Kitty')),
      h('nav', { 'aria-label': 'Main' }, h('ul', {}, SECTIONS.map(([path, label, name]) =>
        h('li', {}, h('a', { href: path }, icon(name, 22), h('span', {}, label)))))),
      button('Add expense', { kind: 'primary add', icon: 'plus', onclick: () => editExpense(), id: 'add-expense', 'aria-keyshortcuts': 'n' })),
    h('div', { class: 'page' }, main));
  return main;
}

/** The place for a view without the frame. */
export function outside() {
  main = null;
  const outlet = h('main', { id: 'main', class: 'outside', tabindex: '-1' });
  document.getElementById('app').replaceChildren(outlet);
  return outlet;
}

document.addEventListener('kitty:shown', ({ detail }) => {
  document.body.dataset.view = detail;
  for (const link of document.querySelectorAll('.side nav a')) {
    if (link.pathname === detail) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
});
