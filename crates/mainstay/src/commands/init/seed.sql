-- Runs with `mainstay up --seed`, after the accounts of [seed] exist. Written so that it can run again.
insert into public.notes (user_id, body)
select id, 'My first note' from auth.users
where email = 'demo@example.com' and not exists (select from public.notes);
