/** Twelve months: what was spent (bars) against what was planned (dashes). */
import { h, s } from '../lib/dom.js';
import { monthLong, monthShort } from '../lib/dates.js';
import { money, moneyAxis } from '../lib/money.js';
import { bar, frame, grid, ticks } from './svg.js';
import { hideTip, showTip } from './tooltip.js';

const HEIGHT = 230;

export function monthBars(year, { month, onpick }) {
  const most = Math.max(...year.map((m) => Math.max(m.spent, m.budget)));
  const over = (m) => m.budget > 0 && m.spent > m.budget;

  function plot(width) {
    const [left, top, bottom] = [52, 10, 26];
    const marks = ticks(most);
    const y = (n) => HEIGHT - bottom - (n / marks.at(-1)) * (HEIGHT - top - bottom);
    const step = (width - left) / year.length;
    const thick = Math.min(28, step * 0.62);
    const columns = year.map((m, i) => {
      const x = left + i * step + (step - thick) / 2;
      const limit = over(m) ? m.budget : m.spent;
      return s('g', { class: `month-column ${m.month === month ? 'chosen' : ''}`, style: { '--i': i }, onclick: () => onpick(m.month),
        onpointermove: (e) => showTip(e, monthLong(m.month), [['Spent', money(m.spent)], ['Budget', m.budget ? money(m.budget) : '–'], ...(over(m) ? [['Over', money(m.spent - m.budget)]] : [])]), onpointerout: hideTip },
        s('rect', { class: 'hit', x: left + i * step, y: top, width: step, height: HEIGHT - top }),
        s('g', { class: 'grow' }, over(m) ? s('rect', { class: 'month-bar', x, y: y(limit), width: thick, height: y(0) - y(limit) }) : bar(x, y(m.spent), thick, y(0) - y(m.spent), { class: 'month-bar' }),
          over(m) && bar(x, y(m.spent), thick, Math.max(0, y(limit) - y(m.spent) - 1.5), { class: 'month-bar-over' })),
        m.budget > 0 && s('line', { class: 'month-budget', x1: x - 3, x2: x + thick + 3, y1: y(m.budget), y2: y(m.budget) }),
        s('text', { class: 'month-name', x: left + (i + 0.5) * step, y: HEIGHT - 8, 'text-anchor': 'middle' }, width < 420 ? monthShort(m.month).slice(0, 1) : monthShort(m.month)));
    });
    return frame(width, HEIGHT, 'Spending over twelve months', year.map((m) => `${monthLong(m.month)}: ${money(m.spent)}`).join(', '),
      grid(marks, y, left, width, moneyAxis), columns);
  }
  const legend = h('ul', { class: 'legend-line' }, h('li', {}, h('span', { class: 'key key-bar' }), 'spent'), h('li', {}, h('span', { class: 'key key-over' }), 'over budget'), h('li', {}, h('span', { class: 'key key-dash' }), 'budget'));
  return { plot, legend, table: { head: ['Month', 'Spent', 'Budget'], rows: year.map((m) => [monthLong(m.month), money(m.spent), m.budget ? money(m.budget) : '–']) } };
}
