-- Install: one extension, one call for the tables, one for the functions.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
reset client_min_messages;
select extname, extnamespace::regnamespace as schema, extrelocatable from pg_extension
where extname in ('holdfast', 'btree_gist') order by extname;

-- A new application: a schema of the contract's tables, under any name.
select holdfast.create_reference_schema('floor');
select relname from pg_class where relnamespace = 'floor'::regnamespace and relkind = 'r' order by relname;
select t.typname, array_agg(e.enumlabel::text order by e.enumsortorder) as labels
from pg_type t join pg_enum e on e.enumtypid = t.oid
where t.typnamespace = 'floor'::regnamespace
group by t.typname order by t.typname;
-- What can never be, whoever writes: constraints, by table.
select conrelid::regclass as "table", conname from pg_constraint
where connamespace = 'floor'::regnamespace and contype = 'x' order by conname;
\set VERBOSITY default
\set SHOW_CONTEXT never
-- What is there already is not created a second time.
select holdfast.create_reference_schema('floor');
\echo :SQLSTATE

-- Its functions.
select holdfast.attach('floor');
select proname from pg_proc where pronamespace = 'floor'::regnamespace order by proname;
-- They go with the extension, without CASCADE; the tables and their rows stay, and so does the view of what does not agree,
-- which needs nothing of the extension, with the function that it reads.
insert into floor.restaurants (name) values ('Trattoria');
drop extension holdfast;
select proname from pg_proc where pronamespace = 'floor'::regnamespace;
select name from floor.restaurants;
-- And come back with it.
create extension holdfast;
select holdfast.attach('floor');
select count(*) from pg_proc where pronamespace = 'floor'::regnamespace;

set client_min_messages = warning;
drop schema floor cascade;
