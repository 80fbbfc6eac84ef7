-- Outbox: events are given to consumers, acknowledged, or tried again. Its ids are numbers or UUIDs.
--[outbox_bigint
create or replace function app.outbox_claim(
  p_consumer text, p_limit integer default 100, p_lease_seconds integer default 60
) returns table (
  id bigint, event_type text, dedupe_key text, attempt_count integer, restaurant_id uuid, booking_id uuid,
  idempotency_key text, payload jsonb
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_claim_wrapper';

create or replace function app.outbox_ack(p_ids bigint[], p_consumer text) returns table (id bigint)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_ack_wrapper';

create or replace function app.outbox_fail(
  p_id bigint, p_error text, p_consumer text, p_retry_seconds integer default null
) returns table (status text, next_attempt_at timestamptz)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_fail_wrapper';
--]
--[outbox_uuid
create or replace function app.outbox_claim(
  p_consumer text, p_limit integer default 100, p_lease_seconds integer default 60
) returns table (
  id uuid, event_type text, dedupe_key text, attempt_count integer, restaurant_id uuid, booking_id uuid,
  idempotency_key text, payload jsonb
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_claim_uuid_wrapper';

create or replace function app.outbox_ack(p_ids uuid[], p_consumer text) returns table (id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_ack_uuid_wrapper';

create or replace function app.outbox_fail(
  p_id uuid, p_error text, p_consumer text, p_retry_seconds integer default null
) returns table (status text, next_attempt_at timestamptz)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_outbox_fail_uuid_wrapper';
--]

--[outbox
comment on function app.outbox_claim is
  'Gives due events to a consumer for a while; commit, then deliver. p_consumer the name of this process, not blank and nobody else''s; p_limit 1 to 10000, NULL is 100; p_lease_seconds 1 to 86400, NULL is 60: after it the event is given to whoever asks. Returns the events by id, attempt_count counting this one; deliver under dedupe_key, for an event may come twice. Those of one booking come in order, each with the version in its payload, and none before the one ahead of it is acknowledged, dead, or in the same batch. An event given away holdfast.outbox_attempts times without an answer is dead. Raises 22023. Locks the events and skips those that others have locked. May be repeated: it returns others.';

comment on function app.outbox_ack is
  'Marks events as delivered. p_ids from outbox_claim; p_consumer as there. Returns the ids that are done now: not those whose lease ran out and that another consumer took over, nor those that were acknowledged before. Raises 22023. Locks the events, by id. May be repeated.';

comment on function app.outbox_fail is
  'Gives an event back that could not be delivered. p_id from outbox_claim; p_error why, may be NULL; p_consumer as there; p_retry_seconds 0 to 86400, NULL backs off by itself: 1 second, doubled with each attempt, an hour at most. Returns pending and when it is due again, dead after holdfast.outbox_attempts attempts, or no row when the event is not this consumer''s any more. Raises 22023. Locks the event. May be repeated.';
--]
