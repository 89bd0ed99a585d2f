/** Every call to the server, by the published client library. Answers data or throws an AppError. */
import { AppError, fromData } from './errors.js';

const EXPENSE = 'id,spent_on,amount,payee,note,category_id';
let client;

/** Where the server says what this page needs: its public key and the ways to sign in. */
export async function connect() {
  if (!globalThis.supabase) throw new Error('The client library is missing: run the set-up command, which copies it to web/vendor/.');
  const answer = await fetch('/mainstay.json', { headers: { accept: 'application/json' } }).catch(() => ({ status: 0 }));
  if (!answer.ok) throw fromData({}, answer.status);
  const config = await answer.json();
  client = globalThis.supabase.createClient(location.origin, config.anon_key, { auth: { flowType: 'pkce' } });
  return { client, config };
}

async function ask(query) {
  const { data, error, status, count } = await query;
  if (error) {
    const problem = fromData(error, status);
    if (problem.kind === 'session') document.dispatchEvent(new CustomEvent('kitty:session-ended'));
    throw problem;
  }
  return count === null || count === undefined ? data : { rows: data, count };
}

// Preferences and categories

export const preferences = () => ask(client.from('preferences').select('currency').maybeSingle());
export const saveCurrency = (currency) => ask(client.from('preferences').upsert({ currency }, { onConflict: 'user_id' }));

export const categories = () => ask(client.from('categories').select('id,name,colour,icon,archived').order('name'));
export const addCategory = (row) => ask(client.from('categories').insert(row).select('id').single());
export const changeCategory = (id, row) => ask(client.from('categories').update(row).eq('id', id));
export const removeCategory = (id, moveTo) => ask(client.rpc('remove_category', { category: id, move_to: moveTo }));
export const startWithExamples = () => ask(client.rpc('start_with_examples'));

// What the plots show

export const monthOverview = (month) => ask(client.rpc('month_overview', { month }));
export const spendingByMonth = (months, until) => ask(client.rpc('spending_by_month', { months, until }));
export const spendingByDay = (month) => ask(client.rpc('spending_by_day', { month }));

// Budgets

export const saveBudget = (category_id, month, amount) =>
  ask(client.from('budgets').upsert({ category_id, month, amount }, { onConflict: 'user_id,category_id,month' }));
export const removeBudget = (category_id, month) =>
  ask(client.from('budgets').delete().eq('category_id', category_id).eq('month', month));
export const copyBudgets = (from, to) => ask(client.rpc('copy_budgets', { from_month: from, to_month: to }));

// Expenses. A filter is { first, last, category, search }; category 'none' means those without one.

/** The words as a regular expression that means just them, quoted for or=(…). (In like patterns `*` cannot be made plain.) */
function pattern(search) {
  const plain = search.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return `"${plain.replace(/[\\"]/g, '\\$&')}"`;
}

function filtered(query, { first, last, category, search }) {
  if (first) query = query.gte('spent_on', first);
  if (last) query = query.lte('spent_on', last);
  if (category === 'none') query = query.is('category_id', null);
  else if (category) query = query.eq('category_id', category);
  if (search) query = query.or(`payee.imatch.${pattern(search)},note.imatch.${pattern(search)}`);
  return query;
}

export const expenses = (filter, from, size) =>
  ask(filtered(client.from('expenses').select(EXPENSE), filter)
    .order('spent_on', { ascending: false }).order('created_at', { ascending: false }).order('id')
    .range(from, from + size - 1));

export const expenseTotals = ({ first = null, last = null, category, search = '' }) =>
  ask(client.rpc('expense_totals', { first, last, category: category && category !== 'none' ? category : null,
    uncategorised: category === 'none', search }).single());

export async function allExpenses(filter) {
  const all = [];
  for (;;) {
    const page = await expenses(filter, all.length, 500);
    all.push(...page);
    if (page.length < 500) return all;
  }
}

export const addExpense = (row) => ask(client.from('expenses').insert(row));
export const changeExpense = (id, row) => ask(client.from('expenses').update(row).eq('id', id));
export const removeExpense = (id) => ask(client.from('expenses').delete().eq('id', id));

/** Whom one has paid lately, newest first, for suggestions. */
export const recentPayees = () =>
  ask(client.from('expenses').select('payee,category_id').order('spent_on', { ascending: false }).limit(300));

export { AppError };
