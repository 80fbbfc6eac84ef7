//! What preloading costs a confirm, with every setting as it is by default: counters, spans, the worker. Beside a server that
//! does not preload the library, where a call counts and keeps nothing.

use super::cell::{Cell, Work};
use super::instructions::{below_callgrind, count, valgrind};
use super::place::{Place, SMALL};
use super::rival::Rival::Holdfast;
use super::run::{block, prime, side};

/// Prints instructions of one confirm on both, then the calls a second of so many pairs of blocks, which take turns.
pub fn measure(bookings: usize, pairs: usize) {
    let cell = Cell::new(Work::Fresh, bookings);
    let mut places = [Place::with(SMALL), Place::with(&format!("{SMALL} -c shared_preload_libraries=holdfast"))];
    if let Some(valgrind) = valgrind() {
        let [without, with] = places.each_mut().map(|place| {
            let database = place.database(&cell, Holdfast);
            below_callgrind(place, &valgrind, |place, files| count(place, &database, &cell, Holdfast, files))
        });
        println!("instructions: {without:.0} without, {with:.0} preloaded, ratio {:.4}", with / without);
    }
    let mut sides = places.each_mut().map(|place| side(place, &cell, Holdfast, None));
    for (place, side) in places.iter_mut().zip(&mut sides) {
        prime(place, &cell, side, &[]);
    }
    let calls = sides.iter().map(|side| side.calls).min().unwrap_or_default();
    let mut ratios: Vec<f64> = (0..pairs)
        .map(|pair| {
            let mut rates = [0.0; 2];
            for turn in 0..2 {
                let at = (pair + turn) % 2;
                let measured = block(&mut places[at], &cell, &mut sides[at], calls, &[]);
                rates[at] = measured.calls as f64 / measured.seconds;
            }
            println!("pair {}: {:.0} a second without, {:.0} preloaded", pair + 1, rates[0], rates[1]);
            rates[1] / rates[0]
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!("calls a second, preloaded over without: median {median:.3}, all {ratios:.3?}");
}
