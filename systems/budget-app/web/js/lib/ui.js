/** Small parts that every view uses: buttons, fields, empty states, skeletons. */
import { h, uid } from './dom.js';
import { icon } from './icons.js';

export function button(label, { kind = 'plain', icon: name, onclick, type = 'button', ...rest } = {}) {
  return h('button', { type, class: `button ${kind}`, onclick, ...rest }, name && icon(name, 18), h('span', {}, label));
}

/** A button that shows only an icon; its name is told to those who do not see it. */
export function iconButton(name, label, { onclick, ...rest } = {}) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...rest }, icon(name));
}

/** A label, a control and room for a hint or for what is wrong with it. */
export function field(label, control, { hint, class: extra = '' } = {}) {
  control.id ||= uid('field');
  const note = h('p', { class: 'field-note', id: `${control.id}-note` }, hint ?? '');
  control.setAttribute('aria-describedby', note.id);
  const el = h('div', { class: `field ${extra}` }, h('label', { for: control.id }, label), control.closest('.control') ?? control, note);
  el.control = control;
  el.say = (problem) => {
    note.textContent = problem ?? hint ?? '';
    el.classList.toggle('wrong', !!problem);
    if (problem) control.setAttribute('aria-invalid', 'true'); else control.removeAttribute('aria-invalid');
  };
  control.addEventListener('input', () => el.say(null));
  return el;
}

/** A password with a switch that shows it. */
export function passwordField(label, autocomplete, options = {}) {
  const input = h('input', { type: 'password', autocomplete, required: true, name: options.name ?? 'password', id: options.id });
  const show = h('button', { type: 'button', class: 'reveal', 'aria-label': 'Show password', 'aria-pressed': 'false', onclick() {
    const visible = input.type === 'password';
    input.type = visible ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(visible));
    input.focus();
  } }, icon('eye'));
  h('div', { class: 'control' }, input, show);
  return field(label, input, options);
}

/** While `work` runs the button is busy; a second press does nothing. */
export async function busy(control, work) {
  if (control.getAttribute('aria-busy') === 'true') return undefined;
  control.setAttribute('aria-busy', 'true');
  try { return await work(); } finally { control.removeAttribute('aria-busy'); }
}

export function empty({ icon: name, title, text, actions = [], level = 'h2' }) {
  return h('div', { class: 'empty' }, h('div', { class: 'empty-icon' }, icon(name, 28)),
    h(level, {}, title), h('p', {}, text), actions.length > 0 && h('div', { class: 'actions' }, actions));
}

/** Grey shapes where content will be. */
export const skeleton = (...shapes) =>
  h('div', { class: 'skeletons', 'aria-hidden': 'true' }, shapes.map((shape) => h('div', { class: `skeleton ${shape}` }, shape === 'kpis' && [1, 2, 3, 4].map(() => h('i')))));
