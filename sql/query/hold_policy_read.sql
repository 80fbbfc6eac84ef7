-- How holds are taken and how they end.
select p.ending, p.mirrors, p.to_window_end, p.longest_seconds
from app.holdfast_hold_policy p
