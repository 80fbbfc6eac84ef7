-- Names in each assignment of a booking the allocation that stands for it, after a repair.
update app.booking_table_assignments a set allocation_id = al.id
from app.allocations al
where a.booking_id = :booking and al.booking_id = a.booking_id and al.resource_type = 'table' and al.resource_id = a.table_id
  and not al.shadow and a.allocation_id is distinct from al.id
returning a.id
