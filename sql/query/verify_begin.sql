-- The state of looking at commits again, if it is not there yet.
insert into app.holdfast_verified (id) values (true) on conflict do nothing
