/** The door: sign in, create an account. A forgotten password is set anew by the operator until mail can be sent. */
import { h } from '../lib/dom.js';
import { logo } from '../lib/icons.js';
import { busy, button, field, passwordField } from '../lib/ui.js';
import * as session from '../session.js';
import { doorPicture } from './door-picture.js';

const MIN_PASSWORD = 8;

export function signIn(outlet, query, providers) {
  const email = emailField();
  const password = passwordField('Password', 'current-password', { id: 'password' });
  door(outlet, 'Welcome back', 'Sign in to see where the money goes.', providers, form('Sign in', [email, password], async () => {
    await session.signIn(email.control.value.trim(), password.control.value);
  }, () => password.control.select()),
  h('p', { class: 'door-links' }, h('span', {}, 'New here? ', h('a', { href: '/register' }, 'Create an account'))));
}

export function register(outlet, query, providers) {
  const email = emailField();
  const password = passwordField('Password', 'new-password', { id: 'password', hint: `At least ${MIN_PASSWORD} characters. A few words make a good one.` });
  door(outlet, 'Create your account', 'A calm overview of the household’s money, yours alone.', providers, form('Create account', [email, password], async (say) => {
    if (password.control.value.length < MIN_PASSWORD) {
      password.say(`The password is too weak: use at least ${MIN_PASSWORD} characters.`);
      password.control.focus();
      return;
    }
    const answer = await session.register(email.control.value.trim(), password.control.value);
    if (answer === 'taken') say('This address is already registered. Sign in instead.');
    if (answer === 'confirm') done(outlet, 'Look into your inbox', `We have sent a link to ${email.control.value.trim()}. Open it to start.`);
  }, (error) => { if (error.code === 'weak_password') password.control.focus(); }),
  h('p', { class: 'door-links' }, h('span', {}, 'Registered already? ', h('a', { href: '/sign-in' }, 'Sign in'))));
}

const emailField = () => field('E-mail', h('input', { type: 'email', id: 'email', name: 'email', autocomplete: 'username', required: true, inputmode: 'email', autocapitalize: 'none', spellcheck: 'false' }));

/** A form that says what is missing or wrong, in its fields and above its button. */
function form(label, fields, submit, failed) {
  const problem = h('p', { class: 'form-problem', role: 'alert', id: 'form-problem' });
  const send = button(label, { kind: 'primary wide', type: 'submit' });
  const say = (text) => { problem.textContent = text; };
  return h('form', { class: 'door-form', novalidate: true, async onsubmit(event) {
    event.preventDefault();
    say('');
    const wrong = fields.filter((f) => !check(f));
    if (wrong.length) return wrong[0].control.focus();
    return busy(send, async () => {
      try { await submit(say); } catch (error) { say(error.message); failed?.(error); }
    });
  } }, fields, problem, send);
}

function check(f) {
  const { validity } = f.control;
  f.say(validity.valueMissing ? 'Please fill this in.' : validity.typeMismatch ? 'This is not an e-mail address.' : null);
  return validity.valid;
}

function door(outlet, title, text, providers, ...content) {
  outlet.append(h('div', { class: 'door' },
    h('aside', { class: 'door-picture', 'aria-hidden': 'true' }, doorPicture()),
    h('section', { class: 'door-panel' }, h('div', { class: 'door-card' },
      h('div', { class: 'brand' }, logo(36), h('span', {}, 'Kitty')),
      h('h1', { tabindex: '-1' }, title), h('p', { class: 'quiet' }, text),
      providers.length > 0 && h('div', { class: 'providers' }, providers.map(providerButton), h('p', { class: 'or' }, h('span', {}, 'or by e-mail'))),
      content))));
  outlet.querySelector('input')?.focus({ preventScroll: true });
}

function providerButton({ id, name }) {
  const el = button(`Continue with ${name || id}`, { kind: 'wide', onclick: () => busy(el, async () => {
    try { await session.signInWith(id); } catch (error) { document.getElementById('form-problem').textContent = error.message; }
  }) });
  return el;
}

function done(outlet, title, text) {
  const card = outlet.querySelector('.door-card');
  card.replaceChildren(card.firstChild, h('h1', { tabindex: '-1' }, title), h('p', { role: 'status' }, text), h('p', { class: 'door-links' }, h('a', { href: '/sign-in' }, 'Back to sign in')));
  card.querySelector('h1').focus();
}
