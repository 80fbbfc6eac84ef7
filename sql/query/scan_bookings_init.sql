-- The state of the looks at every live booking, if it is not there yet.
insert into app.holdfast_booking_scans (id) values (true) on conflict do nothing
