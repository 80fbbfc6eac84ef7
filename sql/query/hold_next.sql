-- When the next open hold of a schema runs out, or the quarantine of one ends. By an index.
select
  least(
    (
      select h.expires_at + limit.hold_grace
      from app.table_holds h
      where h.status = 'active' and not exists (
        select from app.holdfast_quarantine q where q.task = 'expire_holds' and q.id = h.id and q.until > :now
      )
      order by h.expires_at
      limit 1
    ),
    (
      select pg_catalog.min(q.until)
      from app.holdfast_quarantine q
      join app.table_holds h on h.id = q.id and h.status = 'active'
      where q.task = 'expire_holds' and q.until > :now
    )
  ) as due_at
