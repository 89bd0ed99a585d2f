-- A household budget: categories, a monthly budget for each, expenses, and one
-- person's preferences. Every row belongs to one user and is seen by no one else.

-- Tables ---------------------------------------------------------------------

create table public.preferences (
  user_id    uuid primary key default auth.uid() references auth.users (id) on delete cascade,
  currency   text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  updated_at timestamptz not null default now()
);
comment on table public.preferences is 'One row a person: the currency in which amounts are shown.';

create table public.categories (
  id         uuid primary key default gen_random_uuid(),
  user_id    uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name       text not null check (char_length(btrim(name)) between 1 and 40),
  colour     text not null default '#6b7a90' check (colour ~ '^#[0-9a-f]{6}$'),
  icon       text not null default 'tag' check (icon ~ '^[a-z]{1,20}$'),
  archived   boolean not null default false,
  created_at timestamptz not null default now(),
  -- The target of the composite foreign keys below: what points at a category
  -- must name its owner too, so nothing can point at another person's category.
  unique (user_id, id)
);
create unique index categories_name_once on public.categories (user_id, lower(btrim(name)));
comment on table public.categories is 'What money is spent on. Archived ones keep their history and leave the pickers.';

create table public.budgets (
  user_id     uuid not null default auth.uid() references auth.users (id) on delete cascade,
  category_id uuid not null,
  month       date not null check (extract(day from month) = 1),
  amount      numeric(12, 2) not null check (amount >= 0),
  primary key (user_id, category_id, month),
  foreign key (user_id, category_id) references public.categories (user_id, id) on delete cascade
);
create index budgets_by_month on public.budgets (user_id, month);
comment on table public.budgets is 'The amount planned for a category in a month (its first day).';

create table public.expenses (
  id          uuid primary key default gen_random_uuid(),
  user_id     uuid not null default auth.uid() references auth.users (id) on delete cascade,
  category_id uuid,
  spent_on    date not null default current_date check (spent_on between date '1970-01-01' and date '2199-12-31'),
  amount      numeric(12, 2) not null check (amount > 0),
  payee       text not null check (char_length(btrim(payee)) between 1 and 120),
  note        text not null default '' check (char_length(note) <= 500),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  -- A removed category leaves its expenses behind, without a category.
  foreign key (user_id, category_id) references public.categories (user_id, id) on delete set null (category_id)
);
create index expenses_newest on public.expenses (user_id, spent_on desc, created_at desc, id);
create index expenses_by_category on public.expenses (user_id, category_id, spent_on);
comment on table public.expenses is 'Money spent: when, how much, to whom, on what.';

create function public.touch_updated_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;

create trigger expenses_touch before update on public.expenses
  for each row execute function public.touch_updated_at();
create trigger preferences_touch before update on public.preferences
  for each row execute function public.touch_updated_at();

-- Row-level security: a signed-in person reads and writes own rows only ----------

alter table public.preferences enable row level security;
alter table public.categories  enable row level security;
alter table public.budgets     enable row level security;
alter table public.expenses    enable row level security;

create policy "own preferences" on public.preferences for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "own categories" on public.categories for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "own budgets" on public.budgets for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "own expenses" on public.expenses for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.preferences, public.categories, public.budgets, public.expenses from public, anon;
grant select, insert, update, delete
  on public.preferences, public.categories, public.budgets, public.expenses to authenticated;
grant all on public.preferences, public.categories, public.budgets, public.expenses to service_role;
