-- Records that attach bound the schema of these bookings: the release, the optional tables, who may call.
insert into holdfast.attachment (bookings, version, features, callers) values (:bookings, :release, :features, :callers)
on conflict (bookings) do update
set version = excluded.version, features = excluded.features, callers = array(
  select c.role from pg_catalog.unnest(attachment.callers || excluded.callers) c (role) group by c.role order by c.role
)
