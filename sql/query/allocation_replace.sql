-- Takes one allocation away, as the mirror of a hold that is confirmed: `allocations_replace` without a list to be unfolded.
delete from app.allocations al
where al.id = :allocation
--< replaced_allocation
