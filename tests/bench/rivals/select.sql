-- Frozen, as floor.sql is. What a replay is measured against: the ledger entry by its primary key, through a wrapper like that
-- of every call (security definer, a pinned path, rows as the answer).
create function rival.ledger_entry(p_booking_id uuid, p_idempotency_key text)
returns setof public.booking_assignment_idempotency
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from public.booking_assignment_idempotency l
    where l.booking_id = p_booking_id and l.idempotency_key = p_idempotency_key;
end $$;
