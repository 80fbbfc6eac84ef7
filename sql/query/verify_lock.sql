-- The look at commits is ours until the transaction ends, or somebody else is at it: nobody waits.
select true from app.holdfast_verified v where v.id for update skip locked
