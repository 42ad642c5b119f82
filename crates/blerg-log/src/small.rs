//! Stores of small segments: what takes gigabytes otherwise, many segments, is there after some kilobytes. Start at
//! [`Log::create_small`]. For tests of programs that use this crate; everything but the numbers is the same. In a store of
//! [`Log::create_tiny`] the index is small, too: whoever makes a million of them must not walk over its roots a million times.

use std::path::Path;
use std::sync::Arc;

use crate::format::Format;
use crate::geometry::Geometry;
use crate::{Disk, Error, Identity, Log};

/// 1 KiB doubling to 2 KiB.
const SMALL: Geometry = Geometry { first_bits: 10, last_bits: 11 };

impl Log {
    /// [`Log::create`] with segments of 1 and 2 KiB. Texts that fit into none are refused.
    ///
    /// # Errors
    /// As for [`Log::create`].
    #[doc(hidden)]
    pub fn create_small(dir: &Path, identity: &Identity, disk: Arc<dyn Disk>) -> Result<(), Error> {
        Log::create_with(dir, &Format { identity: identity.clone(), geometry: SMALL }, &disk)
    }

    /// [`Log::create`] with segments of 2 KiB each, and 64 roots in the index. Texts that fit into none are refused.
    ///
    /// # Errors
    /// As for [`Log::create`].
    #[doc(hidden)]
    pub fn create_tiny(dir: &Path, identity: &Identity, disk: Arc<dyn Disk>) -> Result<(), Error> {
        Log::create_with(dir, &Format { identity: identity.clone(), geometry: Geometry::TINY }, &disk)
    }
}
