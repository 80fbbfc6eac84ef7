-- The tables of a hold.
insert into app.table_hold_members (hold_id, table_id)
select :hold, t.id from pg_catalog.unnest(:tables::uuid[]) t (id)
