-- Which arguments of a function ($1) name a booking and a hold, counted from 1.
select pg_catalog.array_position(p.proargnames, 'p_booking_id'), pg_catalog.array_position(p.proargnames, 'p_hold_id')
from pg_catalog.pg_proc p
where p.oid = $1
