-- Sets something aside ($1 task, $2 id) until $3, because of an error ($4). What was set aside long ago and did not fail
-- again is forgotten.
with forgotten as (
  delete from app.holdfast_quarantine a
  where a.until < pg_catalog.now() - interval '2 days' and (a.task, a.id) <> ($1, $2)
)
insert into app.holdfast_quarantine as a (task, id, until, error)
values ($1, $2, $3, $4)
on conflict (task, id) do update set failures = a.failures + 1, until = excluded.until, error = excluded.error
