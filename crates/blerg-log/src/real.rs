//! The disk of this machine. Start at [`RealDisk`].

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;
