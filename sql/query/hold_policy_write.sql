-- Writes down how the application's holds end ($1), whether we mirror them ($2), and whether they live to the end of their
-- window ($3). What is there already is the owner's.
insert into app.holdfast_hold_policy (ending, mirrors, to_window_end)
values ($1, $2, $3)
on conflict do nothing
