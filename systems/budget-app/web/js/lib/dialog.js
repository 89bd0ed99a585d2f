/** Modal dialogs on the browser's own <dialog>: Esc closes, focus stays inside and returns. */
import { h, uid } from './dom.js';
import { button, iconButton } from './ui.js';

/** Opens a dialog; `build(close)` answers its content. The promise settles with what `close` was given. */
export function openDialog(title, build, { class: extra = '' } = {}) {
  return new Promise((resolve) => {
    const id = uid('dialog');
    let answer;
    const close = (value) => { answer = value; el.close(); };
    const el = h('dialog', { class: `dialog ${extra}`, 'aria-labelledby': id },
      h('div', { class: 'dialog-head' }, h('h2', { id }, title), iconButton('close', 'Close', { onclick: () => close() })));
    el.append(build(close));
    // Pressing outside closes, but not a text selection that ends outside.
    let outside = false;
    el.addEventListener('pointerdown', (e) => { outside = e.target === el; });
    el.addEventListener('click', (e) => { if (e.target === el && outside) close(); });
    el.addEventListener('close', () => { el.remove(); resolve(answer); });
    document.body.append(el);
    el.showModal();
    el.querySelector('[data-first]')?.focus();
  });
}

export const dialogOpen = () => !!document.querySelector('dialog[open]');

/** A question with a yes (told by `yes`) and a no. */
export function confirmDialog(title, text, { yes, danger = false }) {
  return openDialog(title, (close) => h('div', { class: 'dialog-body' }, h('p', {}, text),
    h('div', { class: 'actions end' }, button('Cancel', { onclick: () => close(false) }),
      button(yes, { kind: danger ? 'danger' : 'primary', onclick: () => close(true), 'data-first': true }))), { class: 'narrow' });
}
