-- Does one of these assignments ($1) or allocations ($2) still stand?
select exists (select from app.booking_table_assignments a where a.id = any ($1))
    or exists (select from app.allocations al where al.id = any ($2))
