/** A strip that says the server or the network is away, with a way to try again. */
import { h } from './lib/dom.js';
import { icon } from './lib/icons.js';
import { button } from './lib/ui.js';

let el = null;

export function showProblem(message, retry) {
  clearProblem();
  el = h('div', { class: 'banner', role: 'alert' }, icon('alert'), h('span', {}, message),
    button('Try again', { onclick: () => { clearProblem(); retry(); } }));
  document.body.prepend(el);
}

export function clearProblem() {
  el?.remove();
  el = null;
}

addEventListener('offline', () => showProblem('You are offline. What you see may be old, and changes cannot be saved.', () => document.dispatchEvent(new CustomEvent('kitty:changed'))));
addEventListener('online', () => { clearProblem(); document.dispatchEvent(new CustomEvent('kitty:changed')); });
