-- Signatures: every function of ours, with its arguments and its sentence. The contract's callers use names.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
select holdfast.create_reference_schema('floor');
select holdfast.attach('floor');
reset client_min_messages;
\pset format unaligned
\pset tuples_only on

-- The contract, in the application's schema.
select p.proname || E'\n  ' || replace(pg_get_function_arguments(p.oid), ', p_', E',\n  p_')
       || E'\n  -> ' || coalesce(pg_get_function_result(p.oid), 'procedure')
from pg_proc p
where p.pronamespace = 'floor'::regnamespace
order by p.proname;

-- All run as the owner of the tables, with a fixed search_path; the key's recipe, which looks at nothing, need not.
select p.proname, p.prosecdef, p.provolatile, p.proparallel, p.proconfig, p.proowner = c.relowner as owner_of_bookings
from pg_proc p join pg_class c on c.oid = 'floor.bookings'::regclass
where p.pronamespace = 'floor'::regnamespace
order by p.proname;

-- The native functions behind it.
select p.proname || E'\n  ' || replace(pg_get_function_arguments(p.oid), ', p_', E',\n  p_')
       || E'\n  -> ' || coalesce(pg_get_function_result(p.oid), 'procedure')
from pg_proc p
where p.pronamespace = 'holdfast'::regnamespace
order by p.proname, p.oid;

-- Each says in its comment what it is for: there is none without.
select p.oid::regprocedure
from pg_proc p
where p.pronamespace in ('holdfast'::regnamespace, 'floor'::regnamespace)
  and obj_description(p.oid, 'pg_proc') is null;

set client_min_messages = warning;
drop schema floor cascade;
