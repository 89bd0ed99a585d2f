/** Preferences, password, sessions. */
import * as api from '../api.js';
import { h, uid } from '../lib/dom.js';
import { CURRENCIES, currency, setCurrency } from '../lib/money.js';
import { setShortcuts, setTheme, shortcutsOn, theme } from '../lib/theme.js';
import { confirmDialog } from '../lib/dialog.js';
import { toast } from '../lib/toast.js';
import { busy, button, field, passwordField } from '../lib/ui.js';
import * as session from '../session.js';
import { help } from '../shortcuts.js';
import { exportCsv } from './expenses.js';

export function settings(outlet) {
  outlet.append(h('div', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Settings')),
    h('div', { class: 'settings' }, look(), password(), data(), sessions()));
}

function look() {
  const choice = h('select', { id: 'currency', async onchange() {
    try {
      await api.saveCurrency(choice.value);
      setCurrency(choice.value);
      toast(`Amounts are now shown in ${choice.value}.`);
    } catch (error) { choice.value = currency(); toast(error.message, { kind: 'bad' }); }
  } }, CURRENCIES.map(([code, name]) => h('option', { value: code, selected: code === currency() }, `${code} – ${name}`)));
  const group = uid('theme');
  return card('Preferences',
    field('Currency', choice, { hint: 'How amounts are shown. Nothing is converted.' }),
    h('fieldset', { class: 'segments' }, h('legend', {}, 'Theme'), h('div', {}, [['auto', 'Automatic'], ['light', 'Light'], ['dark', 'Dark']].map(([value, label]) =>
      h('label', {}, h('input', { type: 'radio', name: group, value, checked: theme() === value, onchange: () => setTheme(value) }), h('span', {}, label))))),
    h('div', { class: 'switch-row' }, h('label', { class: 'switch' }, h('input', { type: 'checkbox', role: 'switch', checked: shortcutsOn(), onchange: (e) => setShortcuts(e.target.checked) }), h('span', {}, 'Keyboard shortcuts')),
      button('Show them', { kind: 'small', onclick: help })));
}

function password() {
  const next = passwordField('New password', 'new-password', { id: 'new-password', name: 'new-password', hint: 'At least 8 characters.' });
  const problem = h('p', { class: 'form-problem', role: 'alert' });
  const save = button('Change password', { type: 'submit' });
  return card('Account', h('p', { class: 'quiet' }, 'Signed in as ', h('b', {}, session.user()?.email ?? '')),
    h('form', { novalidate: true, onsubmit: (e) => { e.preventDefault(); busy(save, submit); } },
      h('input', { type: 'email', class: 'visually-hidden', autocomplete: 'username', value: session.user()?.email ?? '', tabindex: '-1', 'aria-hidden': 'true', readonly: true }), next, problem, save));

  async function submit() {
    problem.textContent = '';
    if (next.control.value.length < 8) { next.say('The password is too weak: use at least 8 characters.'); return next.control.focus(); }
    try {
      await session.changePassword(next.control.value);
      next.control.value = '';
      toast('The password is changed.');
    } catch (error) { problem.textContent = error.message; }
    return undefined;
  }
}

function data() {
  const all = button('Export all expenses', { icon: 'download', onclick: () => busy(all, () => exportCsv({}, 'all')) });
  return card('Your data', h('p', { class: 'quiet' }, 'Only you can see it. Take it with you at any time, as a file that every spreadsheet opens.'), h('div', { class: 'actions' }, all));
}

function sessions() {
  const leave = async (scope) => { try { await session.signOut(scope); } catch (error) { toast(error.message, { kind: 'bad' }); } };
  return card('Sessions', h('p', { class: 'quiet' }, 'Signing out everywhere also ends the sessions on your other devices.'),
    h('div', { class: 'actions' }, button('Sign out', { icon: 'leave', onclick: () => leave('local') }),
      button('Sign out everywhere', { kind: 'danger-text', onclick: async () => {
        if (await confirmDialog('Sign out everywhere?', 'You will have to sign in again on every device, this one included.', { yes: 'Sign out everywhere', danger: true })) leave('global');
      } })));
}

const card = (title, ...content) => h('section', { class: 'card' }, h('h2', {}, title), content);
