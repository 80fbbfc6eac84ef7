-- What became of a hold that is no longer there, in the columns and words of the hold that it was.
select e.hold_id, e.booking_id, e.restaurant_id, e.start_at, e.end_at, e.expires_at, e.ended, '{}'::jsonb
from app.holdfast_ended_holds e
where e.hold_id = :hold
