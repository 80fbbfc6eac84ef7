//! Numbers of traces and spans that nobody else has: a stream of them from one random seed.

#[derive(Debug, Clone, Copy)]
pub struct IdStream {
    seed: [u64; 3],
    drawn: u64,
}

impl IdStream {
    #[must_use]
    pub const fn new(seed: [u64; 3]) -> IdStream {
        IdStream { seed, drawn: 0 }
    }

    /// A trace and a span; neither is 0.
    pub fn draw(&mut self) -> (u128, u64) {
        self.drawn = self.drawn.wrapping_add(1);
        let far = self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let [high, low, span] = self.seed.map(|seed| mixed(seed.wrapping_add(far)));
        ((u128::from(high) << 64 | u128::from(low)).max(1), span.max(1))
    }
}

/// As SplitMix64 does it: another number for each, and no likeness between neighbours.
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}
