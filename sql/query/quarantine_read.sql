-- How often something of a task was set aside already.
select a.failures from app.holdfast_quarantine a where a.task = :task and a.id = :id
