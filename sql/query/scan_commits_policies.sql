-- The findings that the owner wants mended as soon as they are seen.
select p.finding from app.holdfast_reconciliation_policies p where p.action = 'repair'
