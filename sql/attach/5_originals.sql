-- The books that attach keeps of what it found and of what it added, so that detach can undo it.
create table if not exists app.holdfast_originals (
  -- The name that it has, and that a function of ours has in its schema now.
  name text not null,
  -- The types of its arguments, without their schemas: these may get other names.
  arguments text[] not null,
  -- The schema that it stands in now.
  legacy_schema text not null,
  -- The contract's call works on it: the kill switch may route to it.
  callable boolean not null,
  -- Attach let the owner of the bookings execute it.
  granted boolean not null default false,
  -- Everybody could execute it, and detach lets them again: our function took its name, but not the fault (F22).
  closed boolean not null default false,
  primary key (name, arguments)
);
comment on table app.holdfast_originals is
  'holdfast: legacy functions that attach keeps in a schema of their own; detach brings them back';

create table if not exists app.holdfast_additions (
  step integer generated always as identity primary key,
  -- For any name of the schema: app stands for it.
  undo text not null,
  -- A table whose rows may be somebody's: it is dropped only when detach is told so.
  holds_data boolean not null
);
comment on table app.holdfast_additions is
  'holdfast: what attach added beside the application''s own; detach undoes it, the last first';
