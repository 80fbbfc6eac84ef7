-- The indexes of a schema's tables. The shape is the definition without its name: two of one shape are one too many.
select pg_catalog.jsonb_build_object(
  'table', c.relname,
  'name', x.relname,
  'method', m.amname,
  'unique', i.indisunique,
  'usable', i.indisvalid and i.indisready and i.indimmediate,
  'valid', i.indisvalid,
  'backs_constraint', exists (select from pg_catalog.pg_constraint k where k.conrelid = i.indrelid and k.conindid = i.indexrelid),
  'replica_identity', i.indisreplident,
  'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
  'columns', (
    select pg_catalog.jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid, n.place, true) order by n.place)
    from pg_catalog.generate_series(1, i.indnkeyatts::integer) n (place)
  ),
  'shape', pg_catalog.concat_ws(
    ' ', m.amname, i.indisunique, i.indkey, i.indclass, i.indcollation, i.indoption,
    pg_catalog.pg_get_expr(i.indexprs, i.indrelid), 'where', pg_catalog.pg_get_expr(i.indpred, i.indrelid)
  )
) as fact
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_am m on m.oid = x.relam
where c.relnamespace = :schema and c.oid in (
  select o.objid from pg_catalog.pg_depend o
  where o.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and o.refobjid = :schema
    and o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
) and not c.relispartition
order by c.relname, x.relname
