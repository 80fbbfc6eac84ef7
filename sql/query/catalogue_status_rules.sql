-- Which statuses have a rule, and which have a move that leads to or from them. A line of each kind.
select pg_catalog.jsonb_build_object(
  'statuses', (select coalesce(pg_catalog.jsonb_agg(s.status::text), '[]'::jsonb) from app.holdfast_booking_statuses s),
  'moving', (
    select coalesce(pg_catalog.jsonb_agg(distinct m.status), '[]'::jsonb)
    from (
      select t.from_status::text from app.holdfast_status_transitions t
      union all
      select t.to_status::text from app.holdfast_status_transitions t
    ) m (status)
  ),
  'targets', (
    select coalesce(pg_catalog.jsonb_agg(s.status::text), '[]'::jsonb)
    from app.holdfast_booking_statuses s where s.is_confirm_target
  )
) as fact
