//! Who confirms: holdfast or the legacy functions, and the two side by side.

mod shadow_faults;
mod shadow_mode;
mod shadows;
mod share;
