/** The picture beside the sign-in form: what the app will show, in shapes. */
import { h, s } from '../lib/dom.js';

const ROWS = [['Groceries', 0.72, '#3f9d57'], ['Eating out', 0.94, '#e0792f'], ['Transport', 0.41, '#2896b8'], ['Leisure', 0.55, '#8561d6']];
const BARS = [34, 46, 40, 58, 49, 64, 52, 71, 60, 44, 56, 38];

export function doorPicture() {
  return h('div', { class: 'door-art' },
    h('p', { class: 'door-line' }, 'Know where it went. Decide where it goes.'),
    h('div', { class: 'art-card' },
      h('p', { class: 'art-title' }, 'This month'),
      ROWS.map(([name, share, colour]) => h('div', { class: 'art-row' }, h('span', {}, name),
        s('svg', { class: 'bar', width: '100%', height: 8 }, s('rect', { class: 'bar-track', width: '100%', height: 8, rx: 4 }),
          s('rect', { width: `${share * 100}%`, height: 8, rx: 4, fill: colour }))))),
    h('div', { class: 'art-card art-months' },
      s('svg', { viewBox: '0 0 240 84' }, BARS.map((y, i) => s('rect', { x: i * 20 + 3, y: 82 - y, width: 13, height: y, rx: 3.5, class: i === 7 ? 'art-bar now' : 'art-bar' })))));
}
