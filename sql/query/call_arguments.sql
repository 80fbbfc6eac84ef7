-- Which arguments of a function name a booking and a hold, counted from 1.
select pg_catalog.array_position(p.proargnames, 'p_booking_id'), pg_catalog.array_position(p.proargnames, 'p_hold_id')
from pg_catalog.pg_proc p
where p.oid = :function
