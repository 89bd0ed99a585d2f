/** Single keys for those who like them. They never act while one types, and can be switched off. */
import { isTyping, h } from './lib/dom.js';
import { dialogOpen, openDialog } from './lib/dialog.js';
import { shortcutsOn } from './lib/theme.js';
import { key as viewKey } from './router.js';

const HELP = [
  [['n'], 'New expense'], [['/'], 'Search expenses'], [['←', '→'], 'Month before, month after'],
  [['1', '…', '5'], 'Go to a section'], [['Esc'], 'Close a dialog'], [['?'], 'This list'],
];

/** `actions`: { n, '/', '1'…'5' } that act in every view. */
export function start(actions) {
  document.addEventListener('keydown', (event) => {
    if (!shortcutsOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping() || dialogOpen()) return;
    if (document.activeElement?.type === 'radio' && event.key.startsWith('Arrow')) return;
    const act = event.key === '?' ? help : viewKey(event.key) ?? actions(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

export function help() {
  openDialog('Keyboard shortcuts', () => h('div', { class: 'dialog-body' },
    h('dl', { class: 'keys' }, HELP.map(([keys, what]) => h('div', {}, h('dt', {}, keys.map((k) => (k === '…' ? ' … ' : h('kbd', {}, k)))), h('dd', {}, what)))),
    h('p', { class: 'quiet' }, 'They can be switched off in Settings.')), { class: 'narrow' });
}
