/** Short messages that come and go, told by screen readers as they appear. */
import { h } from './dom.js';
import { iconButton } from './ui.js';

/** toast('Deleted', { action: ['Undo', undo] }). One with an action stays longer, and while it is pointed at. */
export function toast(text, { action, kind = '' } = {}) {
  const el = h('div', { class: `toast ${kind}` }, h('span', {}, text),
    action && h('button', { type: 'button', class: 'toast-action', onclick: () => { dismiss(); action[1](); } }, action[0]),
    iconButton('close', 'Dismiss', { onclick: () => dismiss() }));
  let timer;
  const wait = () => { clearTimeout(timer); timer = setTimeout(dismiss, action ? 9000 : 4500); };
  const hold = () => clearTimeout(timer);
  function dismiss() { clearTimeout(timer); el.remove(); }
  for (const [event, fn] of [['pointerenter', hold], ['focusin', hold], ['pointerleave', wait], ['focusout', wait]]) el.addEventListener(event, fn);
  const all = document.getElementById('toasts');
  while (all.children.length > 2) all.firstChild.remove();
  all.append(el);
  wait();
}

/** Takes all messages away, for when someone else may sign in. */
export const clearToasts = () => document.getElementById('toasts').replaceChildren();
