//! Keys and indexes: which our statements need (`needed`, and the unique keys in `key`), and what a schema lacks of them.

pub mod for_keys;
pub mod foreign_key;
pub mod key;
pub mod lookup;
pub mod needed;
