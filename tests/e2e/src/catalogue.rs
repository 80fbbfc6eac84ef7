//! What the catalogue knows about the objects of the extension, for a comparison that names each difference.

use std::collections::BTreeMap;

use crate::Session;

/// Object and property to its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue(BTreeMap<String, String>);

/// Everything that belongs to the extension, and what a property of it is called and worth. Privileges are listed
/// in a fixed order, because the server keeps them in that of the grants.
const PROPERTIES: &str = "
with member as (
  select d.classid, d.objid, (pg_identify_object(d.classid, d.objid, 0)).type || ' '
         || (pg_identify_object(d.classid, d.objid, 0)).identity as object
  from pg_depend d join pg_extension e on e.oid = d.refobjid and e.extname = 'holdfast'
  where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
  union all
  select 'pg_namespace'::regclass, n.oid, 'schema holdfast' from pg_namespace n where n.nspname = 'holdfast'
), granted as (
  select classid, objid, string_agg(concat_ws(' ', a.grantor::regrole, a.grantee::regrole, a.privilege_type, a.is_grantable), ', '
         order by a.grantor::regrole::text, a.grantee::regrole::text, a.privilege_type) as acl
  from (
    select 'pg_proc'::regclass::oid as classid, oid as objid, coalesce(proacl, acldefault('f', proowner)) as acl from pg_proc
    union all select 'pg_class'::regclass, oid, coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner)) from pg_class
    union all select 'pg_type'::regclass, oid, coalesce(typacl, acldefault('T', typowner)) from pg_type
    union all select 'pg_namespace'::regclass, oid, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace
  ) o, aclexplode(o.acl) a group by 1, 2
)
select object || ': ' || property, coalesce(value, '(none)') from (
  select object, 'exists' as property, 'yes' as value from member
  union all
  select object, 'comment', obj_description(objid, classid::regclass::name) from member
  union all
  select object, 'privileges', g.acl from member left join granted g using (classid, objid)
  union all
  select m.object, 'initial privileges', i.initprivs::text from member m
  left join pg_init_privs i on i.classoid = m.classid and i.objoid = m.objid and i.objsubid = 0
  union all
  select m.object, p.property, p.value from member m join pg_proc f on m.classid = 'pg_proc'::regclass and f.oid = m.objid,
  lateral (values ('definition', pg_get_functiondef(f.oid)), ('library', f.probin), ('owner', f.proowner::regrole::text)) p (property, value)
  where f.prokind in ('f', 'p')
  union all
  select m.object, p.property, p.value from member m join pg_class c on m.classid = 'pg_class'::regclass and c.oid = m.objid,
  lateral (values
    ('owner', c.relowner::regrole::text), ('options', c.reloptions::text),
    ('view', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end),
    ('columns', (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' end, a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attacl::text), ', ' order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)),
    ('constraints', (select string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ', ' order by k.conname) from pg_constraint k where k.conrelid = c.oid)),
    ('indexes', (select string_agg(pg_get_indexdef(i.indexrelid), ', ' order by 1) from pg_index i where i.indrelid = c.oid)),
    ('triggers', (select string_agg(pg_get_triggerdef(t.oid), ', ' order by 1) from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)),
    ('dumped rows', (select e.extcondition[array_position(e.extconfig, c.oid)] from pg_extension e where e.extname = 'holdfast'))
  ) p (property, value)
  union all
  select m.object, 'event trigger', concat_ws(' ', t.evtevent, t.evtfoid::regproc, t.evtenabled, t.evttags)
  from member m join pg_event_trigger t on m.classid = 'pg_event_trigger'::regclass and t.oid = m.objid
) o";

impl Catalogue {
    /// The extension's objects in the session's database.
    pub fn of_extension(session: &mut Session) -> Catalogue {
        let rows = session.client.query(PROPERTIES, &[]).expect("the catalogue");
        Catalogue(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each property that the two do not agree about, with both values.
    #[must_use]
    pub fn differences(&self, other: &Catalogue) -> Vec<String> {
        let mut keys: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let shown = |value: Option<&String>| value.map_or_else(|| "(nothing)".to_owned(), Clone::clone);
        keys.into_iter()
            .filter(|key| self.0.get(*key) != other.0.get(*key))
            .map(|key| format!("{key}\n  - {}\n  + {}", shown(self.0.get(key)), shown(other.0.get(key))))
            .collect()
    }
}
