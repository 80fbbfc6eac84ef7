-- Does one of these assignments or allocations still stand?
select exists (select from app.booking_table_assignments a where a.id = any (:assignments))
    or exists (select from app.allocations al where al.id = any (:allocations)) as stand
