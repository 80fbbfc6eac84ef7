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
       || E'\n  -> ' || pg_get_function_result(p.oid)
from pg_proc p
where p.pronamespace = 'floor'::regnamespace
order by p.proname;

-- All run as the owner of the tables, with a fixed search_path; only the key's recipe is without effect or look.
select p.proname, p.prosecdef, p.provolatile, p.proparallel, p.proconfig, p.proowner = c.relowner as owner_of_bookings
from pg_proc p join pg_class c on c.oid = 'floor.bookings'::regclass
where p.pronamespace = 'floor'::regnamespace
order by p.proname;

-- The native functions behind it.
select p.proname || E'\n  ' || replace(pg_get_function_arguments(p.oid), ', p_', E',\n  p_')
       || E'\n  -> ' || pg_get_function_result(p.oid)
from pg_proc p
where p.pronamespace = 'holdfast'::regnamespace
order by p.proname, p.oid;

-- Each says what it is for.
select p.oid::regproc || ': ' || coalesce(obj_description(p.oid, 'pg_proc'), 'NO COMMENT')
from pg_proc p
where p.pronamespace in ('holdfast'::regnamespace, 'floor'::regnamespace)
order by p.pronamespace::regnamespace::text, p.proname;

drop schema floor cascade;
