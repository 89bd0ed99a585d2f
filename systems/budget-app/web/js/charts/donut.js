/** Where the money went: a ring of categories, with a legend that says the amounts. */
import { h, s } from '../lib/dom.js';
import { money, moneyWhole, sum } from '../lib/money.js';
import { frame } from './svg.js';
import { hideTip, showTip } from './tooltip.js';

const MOST = 7;

/** `onpick(id)` answers the link for a category of the legend. */
export function donut(rows, { label, onpick }) {
  const used = rows.filter((r) => r.spent > 0).sort((a, b) => b.spent - a.spent);
  const total = sum(used.map((r) => r.spent));
  const share = (r) => (r.spent / total < 0.005 ? '< 1 %' : `${Math.round((r.spent / total) * 100)} %`);
  const rest = used.slice(MOST);
  const slices = rest.length > 1
    ? [...used.slice(0, MOST), { name: `${rest.length} others`, colour: '#8b968f', spent: sum(rest.map((r) => r.spent)), others: true }] : used;
  const items = new Map();
  const mark = (chosen) => {
    for (const [r, parts] of items) for (const el of parts) el.classList.toggle('faded', chosen !== null && r !== chosen);
  };
  const hover = (r) => ({ onpointerenter: () => mark(r), onpointerleave: () => mark(null) });

  const legend = h('ul', { class: 'legend' }, slices.map((r) => {
    const el = h('li', hover(r), h('span', { class: 'dot', style: { '--c': r.colour } }),
      r.others ? h('span', { class: 'legend-name' }, r.name) : h('a', { class: 'legend-name', href: onpick(r.category_id) }, r.name),
      h('span', { class: 'legend-share' }, share(r)), h('span', { class: 'amount' }, moneyWhole(r.spent)));
    items.set(r, [el]);
    return el;
  }));

  function plot(width) {
    const size = Math.min(width, 210);
    const r = size / 2 - 14;
    const round = 2 * Math.PI * r;
    let at = 0;
    const ring = slices.map((row) => {
      const length = (row.spent / total) * round;
      const gap = slices.length > 1 ? Math.min(2.5, length / 2) : 0;
      const el = s('circle', { class: 'slice', cx: size / 2, cy: size / 2, r, stroke: row.colour, 'stroke-dasharray': `${length - gap} ${round - length + gap}`, 'stroke-dashoffset': -at,
        ...hover(row), onpointermove: (e) => showTip(e, row.name, [['', money(row.spent)], ['', share(row)]]), onpointerout: hideTip });
      items.set(row, [items.get(row)[0], el]);
      at += length;
      return el;
    });
    return h('div', { class: 'donut' }, frame(size, size, label, slices.map((row) => `${row.name} ${share(row)}`).join(', '),
      s('g', { class: 'ring', transform: `rotate(-90 ${size / 2} ${size / 2})` }, ring),
      s('text', { class: 'donut-total', x: size / 2, y: size / 2 + 3, 'text-anchor': 'middle' }, moneyWhole(total)),
      s('text', { class: 'donut-word', x: size / 2, y: size / 2 + 22, 'text-anchor': 'middle' }, 'spent')));
  }
  return { plot, legend, table: { head: ['Category', 'Spent', 'Share'], rows: used.map((r) => [r.name, money(r.spent), share(r)]) } };
}
