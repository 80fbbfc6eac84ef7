-- Which arguments of a function name a booking and a hold, counted from 1.
select pg_catalog.array_position(p.proargnames, 'p_booking_id') as booking,
       pg_catalog.array_position(p.proargnames, 'p_hold_id') as hold
from pg_catalog.pg_proc p
where p.oid = :function
