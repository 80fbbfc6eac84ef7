//! The deterministic key of the contract, byte for byte.

use crate::rules::Id;
use crate::rules::confirm::fingerprint::sha256_hex;

/// The key stored on a booking when it is created. `date` is `YYYY-MM-DD`, `time` is `HH:MM:SS`.
#[must_use]
pub fn auto_assign(booking: Id, restaurant: Id, party_size: i32, date: &str, time: &str) -> String {
    let hash = sha256_hex(&format!("{booking}|{restaurant}|{party_size}|{date}T{time}"));
    format!("booking-{booking}-auto-assign-{}", &hash[..12])
}

/// The key of a later attempt for the same party and time, one a hold.
#[must_use]
pub fn auto_assign_again(booking: Id, hold: Id) -> String {
    let hash = sha256_hex(&format!("{booking}|{hold}"));
    format!("booking-{booking}-auto-assign-{}", &hash[..12])
}
