//! Where attacks take place: a house of an ordinary owner, another tenant's beside it, and a book of who ran what.

use holdfast_e2e::{Floor, Session};
use uuid::Uuid;

/// Owns the house that is attacked, or attacks from it.
pub const OWNER: &str = "holdfast_e2e_owner";
/// May call the functions of the house.
pub const SERVICE: &str = "holdfast_e2e_service";
/// Owns the house of another tenant, and may call its functions.
pub const OTHER: &str = "holdfast_e2e_other";
/// May create in the house, and nothing else.
pub const CREATOR: &str = "holdfast_e2e_creator";
/// Watches: pg_monitor.
pub const MONITOR: &str = "holdfast_e2e_monitor";
/// Has nothing.
pub const NOBODY: &str = "holdfast_e2e_nobody";

pub const ROLES: &[&str] = &[OWNER, SERVICE, OTHER, CREATOR, MONITOR, NOBODY];

/// The schema that is attacked, and the other tenant's.
pub const HOUSE: &str = "bistro";
pub const NEIGHBOUR: &str = "tavern";

/// A restaurant in a house of its own.
pub struct House {
    pub floor: Floor,
    pub restaurant: Uuid,
    pub zone: Uuid,
    pub tables: Vec<Uuid>,
}

impl House {
    /// Both houses, attached, each with rows.
    pub fn new() -> House {
        let mut floor = Floor::bare();
        for role in ROLES {
            floor.run(&format!(
                "do $$ begin create role {role} login; exception when duplicate_object or unique_violation then null; end $$"
            ));
        }
        floor.run(&format!("grant pg_monitor to {MONITOR}; create extension holdfast cascade; {BOOK}"));
        let mut house = House { floor, restaurant: Uuid::new_v4(), zone: Uuid::new_v4(), tables: Vec::new() };
        house.build(NEIGHBOUR, OTHER, OTHER);
        house.build(HOUSE, OWNER, SERVICE);
        house.floor.run(&format!("grant create, usage on schema {HOUSE} to {CREATOR}"));
        house
    }

    fn build(&mut self, schema: &str, owner: &str, service: &str) {
        let script = OWN.replace("SCHEMA", schema).replace("OWNER", owner);
        self.floor.run(&format!(
            "select holdfast.create_reference_schema('{schema}'); {script};
             select holdfast.attach('{schema}', array['{service}'])"
        ));
        let (restaurant, zone) = (self.restaurant, self.zone);
        self.floor.run(&format!(
            "insert into {schema}.restaurants (id) values ('{restaurant}');
             insert into {schema}.zones (id, restaurant_id) values ('{zone}', '{restaurant}')"
        ));
        self.tables = (1..=3)
            .map(|number| {
                self.floor.value(&format!(
                    "insert into {schema}.table_inventory (restaurant_id, zone_id, table_number, capacity)
                     values ('{restaurant}', '{zone}', '{number}', 4) returning id"
                ))
            })
            .collect();
    }

    /// A pending booking for two, on a day of its own.
    pub fn booking(&mut self, day: u32) -> Uuid {
        let restaurant = self.restaurant;
        self.floor.value(&format!(
            "insert into {HOUSE}.bookings (restaurant_id, party_size, start_at, end_at)
             values ('{restaurant}', 2, '2027-06-{day:02} 18:00Z', '2027-06-{day:02} 20:00Z') returning id"
        ))
    }

    pub fn session_as(&self, role: &str) -> Session {
        self.floor.session_as(role)
    }

    /// Did a superuser run a trap, also in a call that failed? And forget it.
    pub fn superuser_ran(&mut self) -> bool {
        let ran = self.floor.value("select is_called from book.times");
        self.floor.run("select setval('book.times', 1, false)");
        ran
    }

    /// What the traps wrote down, and forget it: what ran, and as whom.
    pub fn sprung(&mut self) -> Vec<(String, String)> {
        let rows = self.floor.client.query("delete from book.ran returning what, who", &[]).expect("the book");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// Everything in a schema belongs to one role.
const OWN: &str = "
alter schema SCHEMA owner to OWNER;
do $own$ declare r record; begin
  for r in select c.oid::regclass as name from pg_class c
           where c.relnamespace = 'SCHEMA'::regnamespace and c.relkind in ('r', 'p', 'v') loop
    execute format('alter table %s owner to OWNER', r.name);
  end loop;
  for r in select t.oid::regtype as name from pg_type t
           where t.typnamespace = 'SCHEMA'::regnamespace and t.typtype = 'e' loop
    execute format('alter type %s owner to OWNER', r.name);
  end loop;
end $own$";

/// Whoever runs a trap stands in it, and the trap tries what only a superuser can.
const BOOK: &str = "
create schema book;
create table book.ran (what text, who text, outer_user text);
create table book.won (what text);
-- Of a call that fails, the rows are gone, and this is not.
create sequence book.times;
grant usage on schema book to public;
grant insert on book.ran, book.won to public;
grant usage on sequence book.times to public;
create function book.trap(what text) returns boolean language plpgsql as $trap$
begin
  insert into book.ran values (what, current_user, session_user);
  if (select r.rolsuper from pg_roles r where r.rolname = current_user) then
    perform nextval('book.times');
    raise log 'a superuser runs the trap %', what;
  end if;
  begin
    execute 'alter role holdfast_e2e_nobody connection limit 77';
    insert into book.won values (what);
    execute 'alter role holdfast_e2e_nobody connection limit -1';
  exception when others then null;
  end;
  begin
    execute 'set role postgres';
    insert into book.won values (what || ' by set role');
    execute 'reset role';
  exception when others then null;
  end;
  return true;
end $trap$;
grant execute on function book.trap to public;
create function book.event() returns event_trigger language plpgsql as $trap$ begin perform book.trap(tg_tag); end $trap$;
grant execute on function book.event to public";
