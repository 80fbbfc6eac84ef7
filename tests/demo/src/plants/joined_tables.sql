-- One of several joined tables forgets its group.
update booking_table_assignments set merge_group_id = null
where id = (select id from booking_table_assignments where merge_group_id is not null order by id limit 1);
