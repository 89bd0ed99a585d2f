-- Settings of the roles we may become. The search path is the request's business.
select coalesce(json_agg(t), '[]') from (
  select r.rolname as name, json_agg(json_build_array(s.name, s.value) order by s.specific) as settings
  from pg_roles r
  cross join lateral (
    select split_part(line, '=', 1) as name, substring(line from position('=' in line) + 1) as value,
      d.setdatabase <> 0 as specific
    from pg_db_role_setting d
    cross join unnest(d.setconfig) as line
    where d.setrole = r.oid
      and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  ) s
  join pg_settings g on g.name = s.name and g.context = 'user'
  where pg_has_role(current_user, r.oid, 'member')
    and s.name not in ('search_path', 'role', 'default_transaction_isolation')
  group by r.rolname
) t
