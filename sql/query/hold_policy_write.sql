-- Writes down how the application's holds end, whether we mirror them, and whether they live to the end of their
-- window. What is there already is the owner's.
insert into app.holdfast_hold_policy (ending, mirrors, to_window_end)
values (:ending, :mirrors, :to_window_end)
on conflict do nothing
