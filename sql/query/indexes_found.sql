-- The indexes of some tables of a schema: B-trees with what they order and for which rows.
select t.relname::text as "table", i.relname::text as name, a.attname::text as "column", x.indnkeyatts::integer as columns,
       pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate, x.indisvalid and x.indisready as valid,
       t.relkind = 'p' as partitioned
from pg_catalog.pg_class t
join pg_catalog.pg_index x on x.indrelid = t.oid
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_am m on m.oid = i.relam and m.amname = 'btree'
left join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0] and a.attnum > 0
where t.relnamespace = :schema and t.relname::text = any (:tables)
order by i.relname
