//! `pg_dump -x` leaves out every grant and revoke: the functions of a restored schema are open to everybody. doctor names each of
//! them, and attach again closes them.

use holdfast_e2e::Floor;

use super::functions::calls;
use super::ground::{CREATOR, HOUSE, House, NOBODY, OTHER, OWNER, SERVICE};
use super::suite::{Suite, refused};

/// Functions of a schema, or of that of its legacy functions, that everybody may execute.
const OPEN: &str = "select p.oid::regprocedure::text from pg_proc p
    where p.pronamespace in ('bistro'::regnamespace, to_regnamespace('bistro_legacy'))
      and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
    order by 1";

const NAMED: &str = "select substring(what from 'execute on (.*) for PUBLIC') from holdfast.doctor('bistro')
    where what like 'execute on % for PUBLIC' order by 1";

/// A house with legacy functions of its own, which attach keeps.
fn with_legacy(house: &mut House) {
    house.floor.run("select holdfast.detach('bistro')");
    house.session_as(OWNER).run(&format!(
        "set search_path = {HOUSE};
         create function unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null) returns table (table_id uuid)
           language sql security definer set search_path = bistro
           as 'delete from booking_table_assignments a where a.booking_id = p_booking_id returning a.table_id';
         create function refresh_table_status(p_table_id uuid) returns void language sql as 'select';
         grant execute on all functions in schema {HOUSE} to {SERVICE};
         revoke execute on all functions in schema {HOUSE} from public"
    ));
    house.floor.run(&format!("select holdfast.attach('{HOUSE}', array['{SERVICE}'])"));
}

#[test]
fn what_is_open_after_a_dump_without_grants_is_named_and_closed() {
    let mut suite = Suite::new("restored");
    with_legacy(&mut suite.house);
    let nothing: Vec<String> = suite.house.floor.column(OPEN);
    assert_eq!(nothing, [""; 0], "nothing is open where it comes from");
    let copy = Floor::bare();
    copy.server().copy_by_dump(&suite.house.floor.name, &copy.name, "plain", &["-x"]);
    suite.house.floor = copy;
    let floor = &mut suite.house.floor;
    floor.run(&format!("grant usage on schema {HOUSE} to public"));
    let open: Vec<String> = floor.column(OPEN);
    let named: Vec<String> = floor.column(NAMED);
    println!("{} functions are open to PUBLIC after pg_dump -x", open.len());
    assert!(open.len() >= 28 && open.iter().any(|name| name.starts_with("bistro_legacy.")), "{open:?}");
    assert_eq!(named, open, "doctor names each, and no other");
    // That is the hole: whoever may connect can call.
    let calls = calls(&mut suite, HOUSE);
    let call = format!("select * from {HOUSE}.undo_confirm(gen_random_uuid(), 'k')");
    suite.house.session_as(NOBODY).run(&call);
    suite.house.floor.run(&format!("select holdfast.attach('{HOUSE}', array['{SERVICE}'])"));
    let floor = &mut suite.house.floor;
    assert_eq!(floor.column::<String>(OPEN), [""; 0], "attach again closes them");
    assert_eq!(floor.column::<String>(NAMED), [""; 0]);
    let sign = "a function runs for a role that it was not granted to";
    for who in [NOBODY, OTHER, CREATOR] {
        for (name, call) in &calls {
            suite.attack(who, name.as_str(), sign, |house| refused(&mut house.session_as(who), call, &["42501"]));
        }
    }
    let booking = suite.house.booking(1);
    suite.house.session_as(SERVICE).run(&format!("select * from {HOUSE}.reconcile_booking('{booking}')"));
    assert_eq!(suite.report(60), Vec::<String>::new());
}
