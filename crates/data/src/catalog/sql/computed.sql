-- Functions from a row to rows, which embed like a foreign key.
select coalesce(json_agg(t order by t.name), '[]') from (
  select
    p.proname as name,
    json_build_object('schema', n.nspname, 'name', p.proname) as function,
    json_build_object('schema', an.nspname, 'name', ac.relname) as table,
    json_build_object('schema', rn.nspname, 'name', rc.relname) as foreign,
    not p.proretset or p.prorows = 1 as single
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_class ac on ac.reltype = p.proargtypes[0] and ac.relkind in ('r', 'v', 'm', 'f', 'p')
  join pg_namespace an on an.oid = ac.relnamespace
  join pg_class rc on rc.reltype = p.prorettype and rc.relkind in ('r', 'v', 'm', 'f', 'p')
  join pg_namespace rn on rn.oid = rc.relnamespace
  where p.pronargs = 1 and p.prokind = 'f' and n.nspname <> 'pg_catalog'
) t
