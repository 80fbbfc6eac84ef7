-- What stands beside the minimal application's tables: tables, views and functions of its own, under names that holdfast gave to
-- things once, or gives to its functions. None of them means the same.
create table capacity_policies (code text primary key, label text not null, sort integer);
insert into capacity_policies values ('STD', 'Standard', 1);
create table booking_statuses (id serial primary key, name text unique not null, colour text);
insert into booking_statuses (name, colour) values ('confirmed', 'green'), ('pending', 'amber');
create table booking_status_transitions (id serial primary key, from_id integer references booking_statuses (id),
  to_id integer references booking_statuses (id), allowed_role text);
create table reconciliation_policies (id serial primary key, ledger_account text not null);
create view booking_reconciliation as
  select b.id as booking_id, b.status::text as booking_state,
         case when exists (select from booking_table_assignments a where a.booking_id = b.id) then 'assigned' else 'none' end
           as assignment_state
  from bookings b;
create view inconsistent_bookings as select booking_id from booking_reconciliation where assignment_state = 'none';
create function explain_confirm(p_booking_id uuid) returns text language sql stable set search_path to public as
  $$ select 'booking ' || p_booking_id || ' is ' || b.status from bookings b where b.id = p_booking_id $$;
create function hold_tables(p_tables uuid[], p_minutes integer) returns integer language sql immutable as
  $$ select coalesce(array_length(p_tables, 1), 0) * p_minutes $$;
create table holdfast_notes (id serial primary key, note text);
