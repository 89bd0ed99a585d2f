-- What every Mainstay database has before the first migration: roles, schemas, helper functions, default grants.
-- Names are Supabase's, so that existing migrations and clients find what they expect. May run any number of times.
-- {owner} is replaced by the quoted name of the role that owns the project's objects.

-- ---------------------------------------------------------------- roles
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            ('authenticator', 'login noinherit'),
            ('supabase_auth_admin', 'login noinherit'),
            ('supabase_storage_admin', 'login noinherit')
        ) as roles (name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            begin
                execute format('create role %I %s', wanted.name, wanted.attributes);
            exception when duplicate_object or unique_violation then
                null; -- another bootstrap of the same cluster was faster
            end;
        end if;
    end loop;
end $$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to {owner};

-- An idle transaction of ours is a bug; a runaway statement of a caller is a cost.
alter role authenticator set idle_in_transaction_session_timeout = '30s';
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';

-- ---------------------------------------------------------------- schemas
create schema if not exists mainstay;
create schema if not exists auth;
create schema if not exists extensions;
grant usage, create on schema auth to supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, {owner};
grant usage on schema public, extensions to anon, authenticated, service_role;
revoke create on schema public from public;
alter role supabase_auth_admin set search_path = auth;

-- What migrations ran; see the migration runner.
create table if not exists mainstay.migrations (
    set text not null, name text not null, checksum text not null,
    applied_at timestamptz not null default now(), took_ms bigint not null, primary key (set, name));
grant usage on schema mainstay to {owner}, supabase_auth_admin, supabase_storage_admin;
grant select, insert on mainstay.migrations to {owner}, supabase_auth_admin, supabase_storage_admin;

-- uuid-ossp and pgcrypto where the server has them: many existing migrations use them
do $$
declare
    wanted text;
begin
    foreach wanted in array array['pgcrypto', 'uuid-ossp'] loop
        if exists (select from pg_available_extensions where name = wanted)
            and not exists (select from pg_extension where extname = wanted) then
            execute format('create extension if not exists %I with schema extensions', wanted);
        end if;
    end loop;
exception when insufficient_privilege then
    raise notice 'extensions pgcrypto and uuid-ossp were not created: this login may not create extensions';
end $$;

-- ---------------------------------------------------------------- who is calling
create or replace function auth.uid() returns uuid language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;

create or replace function auth.role() returns text language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$$;

create or replace function auth.email() returns text language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$$;

create or replace function auth.jwt() returns jsonb language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

grant execute on function auth.uid(), auth.role(), auth.email(), auth.jwt() to public;

-- ---------------------------------------------------------------- default grants: closed until row-level security is on
alter default privileges for role {owner} in schema public grant all on tables to service_role;
alter default privileges for role {owner} in schema public grant all on sequences to service_role;
alter default privileges for role {owner} in schema public grant usage on sequences to anon, authenticated;
alter default privileges for role {owner} in schema public grant execute on functions to service_role;

-- Tables that were opened to anon and authenticated once; a later REVOKE is then left alone. By regclass: a dump holds
-- their names, so that after restoring it the list still means the same tables.
create table if not exists mainstay.opened_tables (relation regclass primary key);
do $$
begin
    if (select atttypid from pg_attribute where attrelid = 'mainstay.opened_tables'::regclass and attname = 'relation')
        = 'oid'::regtype then
        alter table mainstay.opened_tables alter column relation type regclass;
    end if;
end $$;
revoke all on mainstay.opened_tables from public;

-- Opens tables of `public` on which row-level security has been switched on since last time.
create or replace function mainstay.open_protected_tables() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    protected record;
begin
    for protected in
        select c.oid, c.relname
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
            and not exists (select from mainstay.opened_tables o where o.relation = c.oid)
            and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
    loop
        execute format('grant select, insert, update, delete on public.%I to anon, authenticated', protected.relname);
        execute format('grant all on public.%I to service_role', protected.relname);
        insert into mainstay.opened_tables values (protected.oid) on conflict do nothing;
    end loop;
end $$;
revoke all on function mainstay.open_protected_tables() from public;

-- After DDL: open what became protected, and tell the data API to read the catalog again.
create or replace function mainstay.after_ddl() returns event_trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') then
        perform mainstay.open_protected_tables();
    end if;
    notify pgrst, 'reload schema';
end $$;

do $$
begin
    if not exists (select from pg_event_trigger where evtname = 'mainstay_after_ddl') then
        create event trigger mainstay_after_ddl on ddl_command_end
            when tag in ('CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
                'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
                'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TYPE', 'ALTER TYPE',
                'CREATE DOMAIN', 'ALTER DOMAIN', 'COMMENT', 'GRANT', 'REVOKE')
            execute function mainstay.after_ddl();
        create event trigger mainstay_after_drop on sql_drop execute function mainstay.after_ddl();
    end if;
exception when insufficient_privilege then
    raise notice 'no event trigger: this login is not a superuser; Mainstay reads the catalog again after its own migrations and on NOTIFY pgrst';
end $$;

select mainstay.open_protected_tables();
