/** The one bubble that follows the pointer over the plots. Content is text only. */
import { h } from '../lib/dom.js';

const el = h('div', { class: 'tooltip', hidden: true, 'aria-hidden': 'true' });

export function showTip(event, title, lines) {
  if (!el.isConnected) document.body.append(el);
  el.replaceChildren(h('strong', {}, title), ...lines.map(([name, value]) => h('span', {}, h('i', {}, name), h('b', {}, value))));
  el.hidden = false;
  const box = el.getBoundingClientRect();
  const x = Math.min(Math.max(8, event.clientX - box.width / 2), innerWidth - box.width - 8);
  const above = event.clientY - box.height - 14;
  el.style.transform = `translate(${Math.round(x)}px, ${Math.round(above < 8 ? event.clientY + 20 : above)}px)`;
}

export function hideTip() { el.hidden = true; }

document.addEventListener('kitty:shown', hideTip);
addEventListener('scroll', hideTip, { passive: true });
