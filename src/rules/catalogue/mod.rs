//! What the server's catalogue says of an application's schema, as plain data.

pub mod declared;
pub mod expression;
pub mod facts;
pub mod function;
pub mod name;
pub mod signature;
pub mod stored_expression;
