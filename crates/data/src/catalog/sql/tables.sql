-- Relations of all schemas but the system's, since junctions and the tables behind views may be outside the exposed
-- ones. Columns are read for exposed schemas ($1) only.
select coalesce(json_agg(t), '[]') from (
  select
    c.oid::bigint as oid,
    n.nspname as schema,
    c.relname as name,
    case when c.relkind in ('v', 'm') then 'view' else 'table' end as kind,
    obj_description(c.oid, 'pg_class') as description,
    json_build_object(
      -- bits 3, 2 and 4: INSERT, UPDATE, DELETE
      'insert', c.relkind in ('r', 'p') or pg_relation_is_updatable(c.oid, true) & 8 = 8,
      'update', c.relkind in ('r', 'p') or pg_relation_is_updatable(c.oid, true) & 4 = 4,
      'delete', c.relkind in ('r', 'p') or pg_relation_is_updatable(c.oid, true) & 16 = 16
    ) as access,
    coalesce((
      select json_agg(a.attname order by k.position)
      from pg_constraint p
      cross join unnest(p.conkey) with ordinality as k(number, position)
      join pg_attribute a on a.attrelid = p.conrelid and a.attnum = k.number
      where p.conrelid = c.oid and p.contype = 'p'
    ), '[]') as primary_key,
    coalesce((
      select json_agg(json_build_array(a.attnum, a.attname) order by a.attnum)
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ), '[]') as attributes,
    case when n.nspname = any ($1::text[]) then coalesce((
      select json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'nullable', not a.attnotnull and not (t.typtype = 'd' and t.typnotnull),
        'default', case
          when a.attgenerated <> '' then null
          -- pg_get_serial_sequence would need a privilege on the schema
          when a.attidentity <> '' then (
            select format('nextval(%L::regclass)', format('%I.%I', sn.nspname, s.relname))
            from pg_depend dep
            join pg_class s on s.oid = dep.objid and s.relkind = 'S'
            join pg_namespace sn on sn.oid = s.relnamespace
            where dep.classid = 'pg_class'::regclass and dep.refclassid = 'pg_class'::regclass
              and dep.refobjid = c.oid and dep.refobjsubid = a.attnum and dep.deptype = 'i'
            limit 1)
          when d.adbin is null and t.typtype = 'd' then pg_get_expr(t.typdefaultbin, 0)
          else pg_get_expr(d.adbin, d.adrelid)
        end,
        'description', col_description(c.oid, a.attnum)
      ) order by a.attnum)
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ), '[]') else '[]' end as columns
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'f', 'p')
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
    and not c.relispartition
) t
