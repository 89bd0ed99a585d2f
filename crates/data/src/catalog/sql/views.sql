-- The queries of views, from which the shown columns are read.
select coalesce(json_agg(t), '[]') from (
  select c.oid::bigint as oid, r.ev_action::text as action
  from pg_rewrite r
  join pg_class c on c.oid = r.ev_class
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm') and r.rulename = '_RETURN'
    and n.nspname not in ('pg_catalog', 'information_schema')
) t
