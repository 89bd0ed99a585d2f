/** Line icons, drawn for this app on a 24 by 24 grid. */
import { s } from './dom.js';

const PATHS = {
  // for categories
  home: 'M4 11.5 12 4.5l8 7M6 10v9.5h12V10M10 19.5v-5.5h4v5.5',
  cart: 'M3 5h2.5l2.3 10.5h9.7L20 8H6.2M9 19.5h.01M16.5 19.5h.01',
  bolt: 'M13 3 5.5 13.5H11.5L11 21l7.5-10.5H12.5z',
  bus: 'M5.5 17V6.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2V17zM5.5 12h13M8 17v2.5M16 17v2.5M8.5 14.5h.01M15.5 14.5h.01',
  car: 'M4 16.5v-4l2-5.5h12l2 5.5v4zM4 12.5h16M6.5 16.5v2M17.5 16.5v2',
  fork: 'M7 3.5v17M4 3.5V8a3 3 0 0 0 6 0V3.5M17 20.5v-7c-2.5 0-3-2-3-4.5 0-3.5 1.5-5.5 3-5.5z',
  coffee: 'M5 9h11v5.5a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM16 10.5h1.5a2.25 2.25 0 0 1 0 4.5H16M8.5 3.5v2M12.5 3.5v2',
  ticket: 'M3.5 7h17v3.5a1.75 1.75 0 0 0 0 3.5v3.5h-17V14a1.75 1.75 0 0 0 0-3.5zM14 7v2M14 11.5v1.5M14 15.5v2',
  play: 'M3.5 5.5h17v11.5h-17zM10.5 8.8v5l4-2.5zM8.5 20h7',
  heart: 'M12 19.5 4.8 12.2a4.3 4.3 0 0 1 6.1-6.1L12 7.2l1.1-1.1a4.3 4.3 0 0 1 6.1 6.1z',
  shirt: 'M8.5 4 3.5 7.5l2 3.8L7.5 10v10h9V10l2 1.3 2-3.8L15.5 4a3.5 3.5 0 0 1-7 0z',
  plane: 'M21 3.5 3 10.5l6.5 3 3 7zM9.5 13.5 14 9.5',
  gift: 'M4 9h16v4H4zM5.5 13v7h13v-7M12 9v11M12 9C9 9 7.5 7.8 7.5 6.2S9.8 3.5 12 9c2.2-5.5 4.5-4.4 4.5-2.8S15 9 12 9z',
  book: 'M5 4.5h6a1.5 1.5 0 0 1 1 .4 1.5 1.5 0 0 1 1-.4h6v13.5h-6a1.5 1.5 0 0 0-1 .5 1.5 1.5 0 0 0-1-.5H5zM12 5v13',
  phone: 'M8 3.5h8v17H8zM11 17.5h2',
  paw: 'M12 12c-3 0-5 2.5-5 4.8 0 3 3 2.2 5 2.2s5 .8 5-2.2C17 14.5 15 12 12 12zM6 10.5v1M9.5 6.5v1.2M14.5 6.5v1.2M18 10.5v1',
  tools: 'M14.5 6.5a4 4 0 0 1 5-2.3l-2.5 2.5.8 2 2 .8 1-1a4 4 0 0 1-5.3 4L8 20l-3.5-3.5 7.5-7.5',
  baby: 'M4 11h16a8 8 0 0 1-13 5.5M4 11a8 8 0 0 1 8-7v7M8 20h.01M16 20h.01M20 11V8.5',
  piggy: 'M4 13a6 5.5 0 0 1 6-5.5h4L17 5v3.5l1.5 2.5H21v4l-2.5 1-1.5 3.5h-2.5l-.5-2H10l-.5 2H7L6 17a5 5 0 0 1-2-4zM16 12h.01',
  tag: 'M4 4.5h7.5l8.5 8.5-7 7-9-9zM8 8.5h.01',
  // for the app
  chart: 'M4 20h16M7 16.5v-4M12 16.5V6.5M17 16.5v-7',
  list: 'M8.5 6.5h12M8.5 12h12M8.5 17.5h12M4 6.5h.01M4 12h.01M4 17.5h.01',
  target: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 12h.01',
  gear: 'M4 7h9M18 7h2M13 7a2.5 2.5 0 1 0 5 0 2.5 2.5 0 0 0-5 0M4 17h2M11 17h9M6 17a2.5 2.5 0 1 0 5 0 2.5 2.5 0 0 0-5 0',
  plus: 'M12 5v14M5 12h14', left: 'M14.5 6 8.5 12l6 6', right: 'M9.5 6l6 6-6 6', close: 'M6 6l12 12M18 6 6 18',
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 20.5 20.5',
  edit: 'M4.5 19.5l1-4L16 5l3 3L8.5 18.5zM13.5 7.5l3 3',
  trash: 'M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5M13.5 11v5',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M4.5 19.5h15',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z',
  archive: 'M3.5 4.5h17V9h-17zM5 9v10.5h14V9M10 13h4',
  restore: 'M4.5 5v5h5M5 10a8 8 0 1 1-1 5',
  check: 'M4.5 12.5 9.5 17.5 19.5 7', alert: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01',
  copy: 'M8.5 8.5h11v11h-11zM15.5 8.5v-4h-11v11h4', leave: 'M14 4.5H5v15h9M10 12h10.5M17 8.5l3.5 3.5-3.5 3.5',
  table: 'M4 5h16v14H4zM4 9.7h16M4 14.3h16M10 5v14',
};

/** What a category may wear, in the order in which the picker shows it. */
export const CATEGORY_ICONS = {
  home: 'House', cart: 'Shopping cart', bolt: 'Energy', bus: 'Bus', car: 'Car', fork: 'Restaurant', coffee: 'Coffee',
  ticket: 'Ticket', play: 'Screen', heart: 'Heart', shirt: 'Shirt', plane: 'Journey', gift: 'Gift', book: 'Book',
  phone: 'Phone', paw: 'Pet', tools: 'Tools', baby: 'Child', piggy: 'Savings', tag: 'Label',
};

/** What colour a category may have. Each is legible on light and on dark. */
export const CATEGORY_COLOURS = {
  '#3b7ddd': 'Blue', '#2896b8': 'Cyan', '#0f9b8e': 'Teal', '#3f9d57': 'Green', '#7a9e2c': 'Lime', '#c99416': 'Amber',
  '#e0792f': 'Orange', '#d9544d': 'Red', '#d2568f': 'Pink', '#8561d6': 'Violet', '#9a6b4c': 'Brown', '#6b7a90': 'Slate',
};

export function icon(name, size = 20) {
  return s('svg', { class: 'icon', viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', focusable: 'false' },
    s('path', { d: PATHS[name] ?? PATHS.tag }));
}

/** A category's icon on its colour. */
export function badge(category, size = 'm') {
  const el = document.createElement('span');
  el.className = `badge badge-${size}`;
  el.style.setProperty('--c', category?.colour ?? '#6b7a90');
  el.append(icon(category?.icon ?? 'tag', size === 's' ? 14 : 18));
  return el;
}

/** The app's sign. */
export function logo(size = 30) {
  return s('svg', { class: 'logo', viewBox: '0 0 32 32', width: size, height: size, 'aria-hidden': 'true' },
    s('rect', { width: 32, height: 32, rx: 9, class: 'logo-ground' }),
    s('path', { d: 'M8.5 22.5v-5M16 22.5v-13M23.5 22.5v-9', class: 'logo-bars' }));
}
