/** Choices kept on this device: the theme, and whether single keys act. */

const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
const write = (key, value) => { try { localStorage.setItem(key, value); } catch { /* storage is blocked: kept until the page is left */ } };

export const theme = () => document.documentElement.dataset.theme ?? 'auto';

export function setTheme(next) {
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  write('kitty.theme', next);
}

let keys = read('kitty.keys') !== 'off';
export const shortcutsOn = () => keys;
export function setShortcuts(on) {
  keys = on;
  write('kitty.keys', on ? 'on' : 'off');
}
