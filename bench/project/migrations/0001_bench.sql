-- Expenses of a thousand people: the tables of the data workloads. bench/run.py fills them.
create table public.categories (
    id int generated always as identity primary key,
    name text not null,
    color text not null
);

create table public.expenses (
    id bigint generated always as identity primary key,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    category_id int not null references public.categories (id),
    amount numeric(12, 2) not null check (amount > 0),
    currency text not null default 'EUR',
    note text not null default '',
    spent_at date not null default current_date,
    created_at timestamptz not null default now()
);
create index expenses_newest on public.expenses (user_id, spent_at desc, id desc);
create index on public.expenses (category_id);

alter table public.categories enable row level security;
alter table public.expenses enable row level security;

create policy "all may read" on public.categories for select using (true);
create policy "own expenses" on public.expenses to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
