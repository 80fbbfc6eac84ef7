-- Each request that a rule must refuse, and each one whose first answer must come again, with what was answered.
select count(*) as examined, count(*) filter (where e.got <> e.expected) as violations,
  min(format('%s, %s: %s instead of %s', g.name, e.request, e.got, e.expected)) filter (where e.got <> e.expected)
    as note
from evening.expectations e
join evening.guests g on g.booking_id = e.booking_id
