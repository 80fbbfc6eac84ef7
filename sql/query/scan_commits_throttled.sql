-- Is the look at commits at rest at this moment?
select true from app.holdfast_commit_scan v where v.id and v.due_at > :now
