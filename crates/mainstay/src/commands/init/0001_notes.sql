-- A first table: everyone keeps their own notes.
create table public.notes (
    id bigint generated always as identity primary key,
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    body text not null check (length(body) between 1 and 2000),
    created_at timestamptz not null default now()
);

create index notes_by_user on public.notes (user_id, created_at desc);

-- Without row-level security the table stays closed. With it, these policies say who may do what.
alter table public.notes enable row level security;

create policy "own notes" on public.notes
    for all to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));
