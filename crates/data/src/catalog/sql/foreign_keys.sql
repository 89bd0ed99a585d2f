-- Foreign keys; those of partitions are copies of their parent's.
select coalesce(json_agg(t order by t.constraint), '[]') from (
  select
    k.conname as constraint,
    json_build_object('schema', n1.nspname, 'name', c1.relname) as table,
    json_build_object('schema', n2.nspname, 'name', c2.relname) as foreign,
    (
      select json_agg(json_build_array(a1.attname, a2.attname) order by pair.position)
      from unnest(k.conkey, k.confkey) with ordinality as pair(own, referenced, position)
      join pg_attribute a1 on a1.attrelid = k.conrelid and a1.attnum = pair.own
      join pg_attribute a2 on a2.attrelid = k.confrelid and a2.attnum = pair.referenced
    ) as columns,
    exists (
      select from pg_constraint u
      where u.conrelid = k.conrelid and u.contype in ('p', 'u') and u.conkey <@ k.conkey and u.conkey @> k.conkey
    ) as unique
  from pg_constraint k
  join pg_class c1 on c1.oid = k.conrelid
  join pg_namespace n1 on n1.oid = c1.relnamespace
  join pg_class c2 on c2.oid = k.confrelid
  join pg_namespace n2 on n2.oid = c2.relnamespace
  where k.contype = 'f' and k.conparentid = 0
) t
