-- Functions of the exposed schemas ($1). Procedures cannot be called with SELECT; functions with unnamed parameters
-- can only be called when there is one, of a type a whole body fits.
select coalesce(json_agg(t order by t.schema, t.name, t.oid), '[]') from (
  select
    p.oid,
    n.nspname as schema,
    p.proname as name,
    obj_description(p.oid, 'pg_proc') as description,
    coalesce((
      select json_agg(json_build_object(
        'name', coalesce(a.name, ''),
        -- casting to these without a length would cut to one character
        'type', case a.type
          when 'bit'::regtype then 'bit varying'
          when 'bit[]'::regtype then 'bit varying[]'
          when 'character'::regtype then 'character varying'
          when 'character[]'::regtype then 'character varying[]'
          else format_type(a.type, null)
        end,
        'required', a.position <= p.pronargs - p.pronargdefaults,
        'variadic', coalesce(a.mode = 'v', false)
      ) order by a.position)
      from (
        select u.name, u.type, u.mode, row_number() over (order by u.position) as position
        from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes)
          with ordinality as u(name, type, mode, position)
        where u.mode is null or u.mode in ('i', 'b', 'v')
      ) a
    ), '[]') as parameters,
    case
      when t.oid = 'void'::regtype then '"void"'::json
      when composite.yes then json_build_object(
        case when p.proretset then 'set_of_composite' else 'composite' end,
        json_build_object('schema', coalesce(rn.nspname, tn.nspname), 'name', coalesce(rc.relname, t.typname)))
      when p.proretset then '"set_of_scalar"'
      else '"scalar"'
    end as returns,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
    coalesce((
      select json_agg(json_build_array(split_part(s, '=', 1), substring(s from position('=' in s) + 1)))
      from unnest(p.proconfig) as s
      where split_part(s, '=', 1) in ('statement_timeout', 'lock_timeout')
    ), '[]') as settings
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_type t on t.oid = p.prorettype
  join pg_namespace tn on tn.oid = t.typnamespace
  -- a domain over a composite type behaves as the type
  left join pg_type base on base.oid = t.typbasetype
  left join pg_class rc on rc.oid = coalesce(nullif(t.typrelid, 0), base.typrelid) and rc.oid <> 0
  left join pg_namespace rn on rn.oid = rc.relnamespace
  cross join lateral (
    -- a record without OUT parameters has no columns to select from, but it is a value
    select t.typtype = 'c' or coalesce(base.typtype = 'c', false)
      or coalesce(p.proargmodes::text[] && '{t,b,o}', false) as yes
  ) composite
  cross join lateral (
    select count(*) filter (where coalesce(u.name, '') = '') as unnamed, count(*) as total, min(u.type) as first
    from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) as u(name, type, mode)
    where u.mode is null or u.mode in ('i', 'b', 'v')
  ) shape
  where n.nspname = any ($1::text[])
    and p.prokind = 'f'
    and t.oid not in ('trigger'::regtype, 'event_trigger'::regtype)
    and (shape.unnamed = 0 or shape.total = 1
      and shape.first in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype))
) t
