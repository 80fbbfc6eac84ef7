-- Handing a hold back, by the application's own function.
select o.live
from legacy.release_hold_and_emit(
  p_hold_id => :hold, p_actor_id => :actor
) o (live)
