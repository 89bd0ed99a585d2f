-- Accounts, sessions and tokens. Tables and columns are named and shaped like Supabase's wherever applications,
-- policies, triggers (`after insert on auth.users`) or seed files are known to touch them.
-- Secrets are never stored as issued: refresh tokens, one-time tokens, authorisation codes and OAuth states are kept
-- as SHA-256 digests, passwords as argon2id PHC strings.
-- Runs as supabase_auth_admin or as the owner of the database; needs CREATE on schema auth and nothing more.

create type auth.aal_level as enum ('aal1', 'aal2', 'aal3');
create type auth.code_challenge_method as enum ('s256', 'plain');
create type auth.one_time_token_type as enum (
  'confirmation_token', 'reauthentication_token', 'recovery_token',
  'email_change_token_new', 'email_change_token_current', 'phone_change_token');

create table auth.users (
  instance_id uuid,
  id uuid primary key,
  aud varchar(255) default 'authenticated',
  role varchar(255) default 'authenticated',
  email varchar(255),
  encrypted_password varchar(255),
  email_confirmed_at timestamptz,
  invited_at timestamptz,
  confirmation_token varchar(255) default '',
  confirmation_sent_at timestamptz,
  recovery_token varchar(255) default '',
  recovery_sent_at timestamptz,
  email_change_token_new varchar(255) default '',
  email_change varchar(255) default '',
  email_change_sent_at timestamptz,
  last_sign_in_at timestamptz,
  raw_app_meta_data jsonb,
  raw_user_meta_data jsonb,
  is_super_admin boolean,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  phone text default null,
  phone_confirmed_at timestamptz,
  phone_change text default '',
  phone_change_token varchar(255) default '',
  phone_change_sent_at timestamptz,
  confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
  email_change_token_current varchar(255) default '',
  email_change_confirm_status smallint default 0 check (email_change_confirm_status between 0 and 2),
  banned_until timestamptz,
  reauthentication_token varchar(255) default '',
  reauthentication_sent_at timestamptz,
  is_sso_user boolean not null default false,
  deleted_at timestamptz,
  is_anonymous boolean not null default false
);
comment on table auth.users is 'Accounts. Written by the auth role only.';
-- The key of every sign-in. Addresses are stored lowercased; the expression keeps rows from seed files honest too.
create unique index users_email_partial_key on auth.users (lower(email)) where is_sso_user = false;
create unique index users_phone_key on auth.users (phone) where phone is not null and phone <> '';
create index users_created_at_idx on auth.users (created_at desc, id);
create index users_is_anonymous_idx on auth.users (is_anonymous) where is_anonymous;

create table auth.identities (
  provider_id text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  identity_data jsonb not null,
  provider text not null,
  last_sign_in_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  email text generated always as (lower(identity_data ->> 'email')) stored,
  id uuid primary key default gen_random_uuid(),
  unique (provider_id, provider)
);
create index identities_user_id_idx on auth.identities (user_id);
create index identities_email_idx on auth.identities (email text_pattern_ops);

create table auth.sessions (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  factor_id uuid,
  aal auth.aal_level not null default 'aal1',
  not_after timestamptz,
  refreshed_at timestamptz,
  user_agent text,
  ip inet,
  tag text,
  -- How the user proved who they are: the `amr` claim, [{"method","timestamp"}].
  amr jsonb not null default '[]',
  -- Key from which the next refresh token is derived. Useless without the previous token, which is stored nowhere.
  refresh_token_hmac_key text not null
);
create index sessions_user_id_created_at_idx on auth.sessions (user_id, created_at);
create index sessions_not_after_idx on auth.sessions (not_after) where not_after is not null;

create table auth.refresh_tokens (
  instance_id uuid,
  id bigint generated always as identity primary key,
  -- SHA-256 of the token, hexadecimal.
  token text not null unique,
  user_id uuid not null references auth.users (id) on delete cascade,
  revoked boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Digest of the token this one replaced.
  parent text,
  session_id uuid not null references auth.sessions (id) on delete cascade
);
create index refresh_tokens_session_id_revoked_idx on auth.refresh_tokens (session_id, revoked);
create index refresh_tokens_user_id_idx on auth.refresh_tokens (user_id);
create index refresh_tokens_updated_at_idx on auth.refresh_tokens (updated_at) where revoked;

create table auth.flow_state (
  id uuid primary key,
  user_id uuid references auth.users (id) on delete cascade,
  -- SHA-256 of the code in the redirect, hexadecimal.
  auth_code text not null unique,
  code_challenge_method auth.code_challenge_method not null,
  code_challenge text not null,
  provider_type text not null,
  provider_access_token text,
  provider_refresh_token text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  authentication_method text not null,
  auth_code_issued_at timestamptz
);
create index flow_state_created_at_idx on auth.flow_state (created_at);

create table auth.oauth_states (
  -- SHA-256 of the `state` parameter, hexadecimal.
  state text primary key,
  provider text not null,
  redirect_to text not null,
  nonce text not null,
  provider_code_verifier text not null,
  -- Set when the application asked for the PKCE flow; null means the implicit flow.
  code_challenge text,
  code_challenge_method auth.code_challenge_method,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index oauth_states_expires_at_idx on auth.oauth_states (expires_at);
comment on table auth.oauth_states is 'Sign-ins under way at an external provider. Single use, ten minutes.';

create table auth.one_time_tokens (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  token_type auth.one_time_token_type not null,
  -- SHA-256 of the token in the link, hexadecimal.
  token_hash text not null unique check (char_length(token_hash) > 0),
  -- SHA-256 of "<address>:<six-digit code>", for those who type the code instead.
  code_hash text not null,
  -- Wrong codes tried; the token dies at the limit, because six digits can be guessed.
  attempts smallint not null default 0,
  relates_to text not null,
  created_at timestamp not null default now(),
  updated_at timestamp not null default now(),
  expires_at timestamptz not null,
  unique (user_id, token_type)
);
create index one_time_tokens_relates_to_idx on auth.one_time_tokens (relates_to);
create index one_time_tokens_expires_at_idx on auth.one_time_tokens (expires_at);

create table auth.audit_log_entries (
  instance_id uuid,
  id uuid primary key default gen_random_uuid(),
  payload json,
  created_at timestamptz default now(),
  ip_address varchar(64) not null default ''
);
create index audit_log_entries_created_at_idx on auth.audit_log_entries (created_at desc);

-- The project's owner writes foreign keys to auth.users, triggers on it and seed files into it.
-- anon, authenticated and service_role get nothing: policies use auth.uid() and its sisters.
do $$
declare
  owner name;
begin
  select pg_catalog.pg_get_userbyid(datdba) into owner from pg_catalog.pg_database where datname = current_database();
  execute format('grant all on all tables in schema auth to %I', owner);
  execute format('grant usage, select on all sequences in schema auth to %I', owner);
  if exists (select from pg_catalog.pg_roles where rolname = 'supabase_auth_admin') then
    grant select, insert, update, delete on all tables in schema auth to supabase_auth_admin;
    grant usage, select on all sequences in schema auth to supabase_auth_admin;
  end if;
end
$$;
