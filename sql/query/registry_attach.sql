-- Records that attach bound the schema of these bookings ($1): the release ($2), the optional tables ($3), who may call ($4).
insert into holdfast.attachment (bookings, version, features, callers) values ($1, $2, $3, $4)
on conflict (bookings) do update
set version = excluded.version, features = excluded.features, callers = array(
  select c.role from pg_catalog.unnest(attachment.callers || excluded.callers) c (role) group by c.role order by c.role
)
