-- Sets something aside of a task until an instant, because of an error. What was set aside long ago and did not fail
-- again is forgotten.
with forgotten as (
  delete from app.holdfast_quarantine a
  where a.until < pg_catalog.now() - interval '2 days' and (a.task, a.id) <> (:task, :id)
)
insert into app.holdfast_quarantine as a (task, id, until, error)
values (:task, :id, :until, :error)
on conflict (task, id) do update set failures = a.failures + 1, until = excluded.until, error = excluded.error
