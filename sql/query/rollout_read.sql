-- Who confirms: rows of the owner, read once a session and again when they change.
select r.restaurant_id, r.mode, r.percentage from app.holdfast_rollout r order by r.restaurant_id
