-- How often something ($1 task, $2 id) was set aside already.
select a.failures from app.holdfast_quarantine a where a.task = $1 and a.id = $2
