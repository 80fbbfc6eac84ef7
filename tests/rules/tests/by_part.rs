//! What belongs to parts of a transaction: it goes to the part around, or with its own.

use holdfast::rules::attempt::by_part::ByPart;

fn pushed(list: &mut ByPart<char>, things: &[(u32, char)]) {
    things.iter().for_each(|(part, thing)| list.push(*part, *thing));
}

#[test]
fn a_part_that_is_rolled_back_takes_its_own_with_it_and_no_more() {
    let mut list = ByPart::new();
    pushed(&mut list, &[(1, 'a'), (2, 'b'), (2, 'c'), (5, 'd')]);
    assert_eq!(list.part_aborted(5).collect::<String>(), "d");
    assert_eq!(list.part_aborted(4).collect::<String>(), "", "it had nothing");
    assert_eq!(list.part_aborted(2).collect::<String>(), "bc");
    assert_eq!(list.drain().collect::<String>(), "a");
    assert!(list.is_empty());
    assert_eq!(list.part_aborted(1).count(), 0);
}

#[test]
fn a_part_that_is_released_belongs_to_the_one_around_it() {
    let mut list = ByPart::new();
    pushed(&mut list, &[(1, 'a'), (2, 'b'), (3, 'c')]);
    list.part_committed(3, 2);
    list.push(4, 'd');
    list.part_committed(4, 2);
    assert_eq!(list.part_aborted(2).collect::<String>(), "bcd");
    pushed(&mut list, &[(6, 'e')]);
    list.part_committed(6, 1);
    assert_eq!(list.part_aborted(6).count(), 0);
    assert_eq!(list.drain().collect::<String>(), "ae");
}

#[test]
fn the_last_that_is_meant_is_taken_out_and_the_first_are_forgotten() {
    let mut list = ByPart::new();
    pushed(&mut list, &[(1, 'a'), (1, 'b'), (1, 'a'), (2, 'c')]);
    assert_eq!(list.take(|thing| *thing == 'a'), Some('a'));
    assert_eq!(list.take(|thing| *thing == 'x'), None);
    list.forget_first(1);
    assert_eq!((list.len(), list.drain().collect::<String>()), (2, "bc".to_owned()));
    list.forget_first(7);
}
