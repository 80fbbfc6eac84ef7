-- What became of a hold that is no longer there, in the columns and words of the hold that it was.
select e.hold_id as id, e.booking_id, e.restaurant_id, e.start_at, e.end_at, e.expires_at,
       e.ended as status, '{}'::jsonb as metadata
from app.holdfast_ended_holds e
where e.hold_id = :hold
