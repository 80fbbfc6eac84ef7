-- What attach records of each schema. Nobody has a right on it: it is read and written by our code alone, and nothing in
-- it is ever executed as text. Rows go with a dump, found by the bookings of their schema.

create table holdfast.attachment (
  bookings regclass primary key,
  -- Of the release that attached it last.
  version text not null,
  attached_at timestamptz not null default pg_catalog.clock_timestamp(),
  -- The optional tables that were there then.
  features text[] not null,
  -- The roles that were named at attach, and may call.
  callers text[] not null
);
comment on table holdfast.attachment is
  'Schemas that attach bound, by their bookings: the release, the optional tables that were there, the roles that may call.';

create table holdfast.addition (
  bookings regclass not null,
  -- table, found, index, constraint, default, not_null, usage, column.
  kind text not null,
  -- The table that it is on, where it is on one.
  relation text not null,
  -- Its own name; the role of a right to use the schema.
  name text not null,
  -- What the catalogue said of it when attach had made it: it is compared with, and not executed.
  definition text not null,
  primary key (bookings, kind, relation, name)
);
comment on table holdfast.addition is
  'What attach added to a schema beside the application''s own, as kinds and names; detach undoes it.';

create table holdfast.legacy_function (
  bookings regclass not null,
  -- The name that it has, and that a function of ours has in the application's schema now.
  name text not null,
  -- The types of its arguments, without their schemas: these may get other names.
  arguments text[] not null,
  -- The schema that it stands in now.
  legacy_schema text not null,
  -- The contract's call works on it: the kill switch may route to it.
  callable boolean not null,
  -- Attach let the owner of the bookings execute it.
  granted boolean not null,
  -- Everybody could execute it, and detach lets them again: our function took its name, but not the fault (F22).
  closed boolean not null,
  primary key (bookings, name, arguments)
);
comment on table holdfast.legacy_function is
  'Legacy functions that attach keeps in a schema of their own; detach brings them back.';

select pg_catalog.pg_extension_config_dump('holdfast.attachment', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');
select pg_catalog.pg_extension_config_dump('holdfast.addition', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');
select pg_catalog.pg_extension_config_dump('holdfast.legacy_function', 'where exists (select from pg_catalog.pg_class c where c.oid = bookings)');
