-- The state of looking at commits again, if it is not there yet.
insert into app.holdfast_commit_scan (id) values (true) on conflict do nothing
