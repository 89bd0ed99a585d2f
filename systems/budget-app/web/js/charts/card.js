/** A card that holds a plot and the same figures as a table; a switch changes between the two. */
import { h } from '../lib/dom.js';
import { icon } from '../lib/icons.js';
import { hideTip } from './tooltip.js';

/**
 * `plot(width)` answers an element for that width; it is drawn again when the card changes size.
 * `table` is { head: […], rows: [[…]] }, texts only.
 */
export function chartCard({ title, plot, table, legend, empty, class: extra = '' }) {
  const head = h('div', { class: 'card-head' }, h('h2', {}, title));
  const card = h('section', { class: `card chart-card ${extra}` }, head);
  if (empty) { card.append(h('p', { class: 'chart-empty' }, empty)); return card; }
  const place = h('div', { class: 'plot' });
  const listing = h('div', { class: 'chart-table', hidden: true }, tableOf(title, table));
  const swap = h('button', { type: 'button', class: 'icon-button', 'aria-pressed': 'false', 'aria-label': `${title}: show as table`, title: 'Show as table', onclick() {
    const asTable = listing.hidden;
    listing.hidden = !asTable;
    place.hidden = asTable;
    if (legend) legend.hidden = asTable;
    swap.setAttribute('aria-pressed', String(asTable));
  } }, icon('table', 18));
  head.append(swap);
  card.append(place, legend ?? '', listing);
  place.addEventListener('pointerleave', hideTip);
  let width = 0;
  new ResizeObserver(([entry]) => {
    const next = Math.floor(entry.contentRect.width);
    if (!next || next === width) return;
    const el = plot(next);
    if (width) el.classList.add('still'); // only the first drawing moves
    width = next;
    place.replaceChildren(el);
  }).observe(place);
  return card;
}

function tableOf(caption, { head, rows }) {
  return h('table', {}, h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, h('tr', {}, head.map((text, i) => h('th', { scope: 'col', class: i > 0 && 'number' }, text)))),
    h('tbody', {}, rows.map(([first, ...rest]) => h('tr', {}, h('th', { scope: 'row' }, first), rest.map((text) => h('td', { class: 'number' }, text))))));
}
