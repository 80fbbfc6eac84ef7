//! Table-driven cases and properties of the rules.
