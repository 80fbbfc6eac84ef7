//! How long something took, as a distribution that can be added up.

/// The upper ends of the buckets, in microseconds; what is longer than the last falls into one more.
pub const BOUNDS_US: [u64; 22] = [
    100, 250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

pub const BUCKETS: usize = BOUNDS_US.len() + 1;

/// The bucket of a time.
#[must_use]
pub fn bucket(us: u64) -> usize {
    BOUNDS_US.partition_point(|bound| *bound < us)
}

/// What was measured: how often in each bucket, and how long together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Histogram {
    pub total_us: u64,
    pub buckets: [u64; BUCKETS],
}

impl Histogram {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn add(&mut self, us: u64) {
        self.total_us += us;
        self.buckets[bucket(us)] += 1;
    }

    pub fn add_all(&mut self, other: &Histogram) {
        self.total_us += other.total_us;
        self.buckets.iter_mut().zip(other.buckets).for_each(|(into, number)| *into += number);
    }

    /// As Prometheus has it: each bucket holds what the ones before it hold.
    #[must_use]
    pub fn cumulative(&self) -> [u64; BUCKETS] {
        let mut sum = 0;
        self.buckets.map(|number| {
            sum += number;
            sum
        })
    }

    /// The time in milliseconds that so large a part of all does not exceed, estimated within its bucket as Prometheus does;
    /// None: nothing was measured. What is longer than the last bound is told as that bound.
    #[must_use]
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let all = self.count();
        if all == 0 {
            return None;
        }
        let rank = part * all as f64;
        let mut below = 0;
        for (at, number) in self.buckets.iter().enumerate() {
            let Some(upper) = BOUNDS_US.get(at) else { break };
            if *number > 0 && (below + number) as f64 >= rank {
                let lower = if at == 0 { 0 } else { BOUNDS_US[at - 1] };
                let share = ((rank - below as f64) / *number as f64).clamp(0.0, 1.0);
                return Some((lower as f64 + share * (upper - lower) as f64) / 1000.0);
            }
            below += number;
        }
        BOUNDS_US.last().map(|bound| *bound as f64 / 1000.0)
    }
}

/// The bounds in milliseconds.
#[must_use]
pub fn bounds_ms() -> Vec<f64> {
    BOUNDS_US.iter().map(|bound| *bound as f64 / 1000.0).collect()
}
