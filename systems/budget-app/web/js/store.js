/** What all views share and seldom changes: the person's categories and currency. */
import * as api from './api.js';
import { setCurrency } from './lib/money.js';

let list = [];
let byId = new Map();

export async function load() {
  const [preferences] = await Promise.all([api.preferences(), loadCategories()]);
  setCurrency(preferences?.currency ?? 'EUR');
}

export async function loadCategories() {
  list = await api.categories();
  byId = new Map(list.map((c) => [c.id, c]));
}

export function forget() {
  list = [];
  byId = new Map();
  setCurrency('EUR');
}

export const all = () => list;
export const active = () => list.filter((c) => !c.archived);
export const category = (id) => byId.get(id) ?? { id: null, name: 'No category', colour: '#6b7a90', icon: 'tag', archived: false };

/** Tells the open view that rows were added, changed or removed. */
export const changed = () => document.dispatchEvent(new CustomEvent('kitty:changed'));
