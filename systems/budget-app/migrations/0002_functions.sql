-- What the overview asks for, one call a plot, and the few writes that touch
-- several rows at once. All run as the caller, so row-level security applies.

-- Every category in use with what was planned and spent in a month. A row with a
-- null category_id holds the expenses that have none.
create function public.month_overview(month date)
returns table (
  category_id uuid, name text, colour text, icon text, archived boolean,
  budget numeric,        -- null: nothing planned
  spent numeric, expenses bigint,
  spent_before numeric,  -- the month before
  usual numeric          -- a month's average over the three months before
)
language sql stable security invoker set search_path = '' as $$
  with bounds as (
    select m as first, (m + interval '1 month')::date as next,
           (m - interval '1 month')::date as before, (m - interval '3 months')::date as quarter
    from (select (month_overview.month - (extract(day from month_overview.month)::int - 1)) as m) as start
  ), sums as (
    select e.category_id,
           sum(e.amount) filter (where e.spent_on >= b.first) as spent,
           count(*) filter (where e.spent_on >= b.first) as expenses,
           sum(e.amount) filter (where e.spent_on >= b.before and e.spent_on < b.first) as spent_before,
           sum(e.amount) filter (where e.spent_on < b.first) as quarter
    from public.expenses e cross join bounds b
    where e.user_id = (select auth.uid()) and e.spent_on >= b.quarter and e.spent_on < b.next
    group by e.category_id
  ), plans as (
    select p.category_id, p.amount
    from public.budgets p join bounds b on p.month = b.first
    where p.user_id = (select auth.uid())
  ), rows as (
    select c.id, c.name, c.colour, c.icon, c.archived, p.amount as budget,
           s.spent, s.expenses, s.spent_before, s.quarter
    from public.categories c
    left join plans p on p.category_id = c.id
    left join sums s on s.category_id = c.id
    where c.user_id = (select auth.uid())
      and (not c.archived or p.amount is not null or s.spent is not null)
    union all
    select null, 'No category', '#6b7a90', 'tag', false, null,
           s.spent, s.expenses, s.spent_before, s.quarter
    from sums s where s.category_id is null
  )
  select r.id, r.name, r.colour, r.icon, r.archived, r.budget,
         coalesce(r.spent, 0), coalesce(r.expenses, 0), coalesce(r.spent_before, 0),
         round(coalesce(r.quarter, 0) / 3, 2)
  from rows r
  order by coalesce(r.spent, 0) desc, r.name
$$;

-- Totals of the last `months` months up to and including that of `until`, gaps as zero.
create function public.spending_by_month(months integer default 12, until date default current_date)
returns table (month date, spent numeric, budget numeric, expenses bigint)
language sql stable security invoker set search_path = '' as $$
  with wanted as (
    select (date_trunc('month', spending_by_month.until::timestamp) - make_interval(months => g))::date as first
    from generate_series(0, least(greatest(spending_by_month.months, 1), 120) - 1) as g
  )
  select w.first, coalesce(e.spent, 0), coalesce(p.budget, 0), coalesce(e.expenses, 0)
  from wanted w
  left join lateral (
    select sum(x.amount) as spent, count(*) as expenses from public.expenses x
    where x.user_id = (select auth.uid())
      and x.spent_on >= w.first and x.spent_on < (w.first + interval '1 month')::date
  ) e on true
  left join lateral (
    select sum(x.amount) as budget from public.budgets x
    where x.user_id = (select auth.uid()) and x.month = w.first
  ) p on true
  order by w.first
$$;

-- What was spent on each day of a month, and on the same day of the month before.
create function public.spending_by_day(month date)
returns table (day integer, spent numeric, spent_before numeric)
language sql stable security invoker set search_path = '' as $$
  with bounds as (
    select m as first, (m + interval '1 month')::date as next, (m - interval '1 month')::date as before
    from (select (spending_by_day.month - (extract(day from spending_by_day.month)::int - 1)) as m) as start
  ), days as (
    select extract(day from e.spent_on)::int as day,
           sum(e.amount) filter (where e.spent_on >= b.first) as spent,
           sum(e.amount) filter (where e.spent_on < b.first) as spent_before
    from public.expenses e cross join bounds b
    where e.user_id = (select auth.uid()) and e.spent_on >= b.before and e.spent_on < b.next
    group by 1
  )
  select g, coalesce(d.spent, 0), coalesce(d.spent_before, 0)
  from generate_series(1, 31) as g
  cross join bounds b
  left join days d on d.day = g
  where g <= greatest(b.next - b.first, b.first - b.before)
  order by g
$$;

-- Count and sum of the expenses that a list's filter selects.
create function public.expense_totals(
  first date default null, last date default null,
  category uuid default null, uncategorised boolean default false, search text default ''
)
returns table (expenses bigint, total numeric)
language sql stable security invoker set search_path = '' as $$
  select count(*), coalesce(sum(e.amount), 0)
  from public.expenses e
  where e.user_id = (select auth.uid())
    and (expense_totals.first is null or e.spent_on >= expense_totals.first)
    and (expense_totals.last is null or e.spent_on <= expense_totals.last)
    and (expense_totals.category is null or e.category_id = expense_totals.category)
    and (not expense_totals.uncategorised or e.category_id is null)
    and (expense_totals.search = ''
         or strpos(lower(e.payee), lower(expense_totals.search)) > 0
         or strpos(lower(e.note), lower(expense_totals.search)) > 0)
$$;

-- Plans a month as another was planned; what is planned already stays. Answers how many were added.
create function public.copy_budgets(from_month date, to_month date)
returns integer
language sql volatile security invoker set search_path = '' as $$
  with added as (
    insert into public.budgets (user_id, category_id, month, amount)
    select b.user_id, b.category_id, copy_budgets.to_month, b.amount
    from public.budgets b
    join public.categories c on c.user_id = b.user_id and c.id = b.category_id and not c.archived
    where b.user_id = (select auth.uid()) and b.month = copy_budgets.from_month
    on conflict (user_id, category_id, month) do nothing
    returning 1
  )
  select count(*)::integer from added
$$;

-- Deletes a category. Its expenses go to `move_to`, or stay without a category.
create function public.remove_category(category uuid, move_to uuid default null)
returns void
language plpgsql volatile security invoker set search_path = '' as $$
begin
  if move_to = category then
    raise exception 'a category cannot be replaced by itself' using errcode = '22023';
  end if;
  if move_to is not null then
    update public.expenses e set category_id = move_to
    where e.user_id = (select auth.uid()) and e.category_id = category;
  end if;
  delete from public.categories c where c.user_id = (select auth.uid()) and c.id = category;
  if not found then
    raise exception 'no such category' using errcode = 'P0002';
  end if;
end $$;

-- Common categories for someone who has none yet. Does nothing otherwise.
create function public.start_with_examples()
returns setof public.categories
language sql volatile security invoker set search_path = '' as $$
  insert into public.categories (name, colour, icon)
  select v.name, v.colour, v.icon
  from (values
    ('Housing',       '#3b7ddd', 'home'),
    ('Groceries',     '#3f9d57', 'cart'),
    ('Utilities',     '#c99416', 'bolt'),
    ('Transport',     '#2896b8', 'bus'),
    ('Eating out',    '#e0792f', 'fork'),
    ('Leisure',       '#8561d6', 'ticket'),
    ('Subscriptions', '#0f9b8e', 'play'),
    ('Health',        '#d9544d', 'heart'),
    ('Clothing',      '#d2568f', 'shirt'),
    ('Gifts',         '#9a6b4c', 'gift')
  ) as v (name, colour, icon)
  where not exists (select 1 from public.categories c where c.user_id = (select auth.uid()))
  returning *
$$;

-- Signed-in people (and the service) may call them; the public may not.
do $$
declare f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname in (
      'month_overview', 'spending_by_month', 'spending_by_day', 'expense_totals',
      'copy_budgets', 'remove_category', 'start_with_examples', 'touch_updated_at')
  loop
    execute format('revoke execute on function %s from public, anon', f);
    execute format('grant execute on function %s to authenticated, service_role', f);
  end loop;
end $$;
