-- The look at commits is ours until the transaction ends, or somebody else is at it: nobody waits.
select true from app.holdfast_commit_scan v where v.id for update skip locked
