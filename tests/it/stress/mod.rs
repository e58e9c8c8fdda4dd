//! Many at once, and the power cut at any moment: one effect each, and the same figures as in peace.

mod kills;
mod order;
mod together;
