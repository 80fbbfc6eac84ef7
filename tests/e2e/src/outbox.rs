//! Events that are lost from an outbox that keeps what was delivered: one of yesterday is there.

use crate::Session;

/// The events of a booking (`{b}`) are lost; `{n}` is a number of its own.
pub(crate) const EVENTS_GONE: &str = "
    delete from capacity_outbox where booking_id = '{b}';
    insert into capacity_outbox (status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id)
    select 'done', 'kept', 'kept-{n}', 1, now() - interval '1 day', restaurant_id from bookings where id = '{b}'";

/// The events that meet a condition are lost.
pub fn lose_events(session: &mut Session, condition: &str) {
    session.run(&format!(
        "delete from public.capacity_outbox where {condition};
         insert into public.capacity_outbox (status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id)
         select 'done', 'kept', gen_random_uuid()::text, 1, now() - interval '1 day', id from public.restaurants limit 1"
    ));
}
