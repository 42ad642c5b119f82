//! Argon2id (RFC 9106) over passwords, stored as PHC strings. Start at `Argon2Cost` and `hash`.
//!
//! A hash holds its own parameters, so a site can change them: old hashes stay good and are replaced at the
//! next login. Nothing here takes the gate: the callers do (`gate.rs`), because 64 MiB at a time is all that
//! hashing may take on the machine. The memory goes back to the kernel with each hash.

use std::str::FromStr;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::error::Error;

/// Longest password: what people type; a longer one only costs time.
pub const PASSWORD_BYTES_MAX: usize = 64;

/// Most memory that one hash may ask for, so that a stored hash cannot exhaust a small host.
pub const MEMORY_KIB_MAX: u32 = 64 * 1024;

/// Most passes that a stored hash may ask for.
pub const PASSES_MAX: u32 = 16;

/// Most lanes that a stored hash may ask for.
pub const LANES_MAX: u32 = 16;

/// Longest stored hash: ours have 97 characters.
const PHC_BYTES_MAX: usize = 256;

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// Virtual memory reserved for a hash, at least: above every C library's threshold for memory that comes
/// straight from the kernel (glibc's moves up to 32 MiB), so that dropping it gives it back. Only what the
/// hash touches becomes real memory.
const RESERVED_BLOCKS_MIN: usize = 40 * 1024;

/// The parameters of one Argon2id hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; all of them run in one thread.
    pub lanes: u32,
}

impl Argon2Cost {
    /// RFC 9106's second recommended set: 64 MiB, 3 passes, 4 lanes.
    pub const RFC9106_SECOND: Argon2Cost = Argon2Cost::new(MEMORY_KIB_MAX, 3, 4);

    /// OWASP's sets of equal strength, by their memory in MiB.
    pub const OWASP: [(&'static str, Argon2Cost); 5] = [
        ("46", Argon2Cost::new(47_104, 1, 1)),
        ("19", Argon2Cost::new(19_456, 2, 1)),
        ("12", Argon2Cost::new(12_288, 3, 1)),
        ("9", Argon2Cost::new(9_216, 4, 1)),
        ("7", Argon2Cost::new(7_168, 5, 1)),
    ];

    const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Argon2Cost {
        Argon2Cost { memory_kib, passes, lanes }
    }

    fn params(&self) -> Result<Params, Error> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT_BYTES))
            .map_err(|_| Error::Setting { wanted: "Argon2id parameters within RFC 9106", found: format!("{self:?}") })
    }
}

/// The words of `BLERG_ARGON2`: `default`, or the memory in MiB of one of OWASP's sets.
impl FromStr for Argon2Cost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Argon2Cost, Error> {
        if matches!(text, "default" | "64") {
            return Ok(Argon2Cost::RFC9106_SECOND);
        }
        Argon2Cost::OWASP
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, cost)| *cost)
            .ok_or_else(|| Error::Setting { wanted: "default, 64, 46, 19, 12, 9 or 7", found: text.to_owned() })
    }
}

/// Whether a password fits a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It does, and the hash has the wanted cost.
    Right,
    /// It does, and the hash should be replaced by one of the wanted cost.
    RightButOldCost,
    /// It does not.
    Wrong,
}

/// Refuses a password whose length is out of bounds; every byte is allowed.
pub(crate) fn check_length(password: &[u8], bytes_min: usize) -> Result<(), Error> {
    let bytes = password.len();
    if bytes < bytes_min || bytes > PASSWORD_BYTES_MAX {
        return Err(Error::PasswordLength { bytes, min: bytes_min });
    }
    Ok(())
}

/// Hashes `password` into a PHC string.
pub(crate) fn hash(password: &[u8], cost: &Argon2Cost, random: fn(&mut [u8])) -> Result<String, Error> {
    let mut salt = [0_u8; SALT_BYTES];
    random(&mut salt);
    let params = cost.params()?;
    let mut output = [0_u8; OUTPUT_BYTES];
    compute(password, &salt, &params, &mut output)?;
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| damaged("bad parameters"))?,
        salt: Some(Salt::new(&salt).map_err(|_| damaged("bad salt"))?),
        hash: Some(Output::new(&output).map_err(|_| damaged("bad output"))?),
    };
    Ok(phc.to_string())
}

/// Compares `password` with a stored PHC string, in time that does not depend on where they differ.
pub(crate) fn verify(password: &[u8], stored: &str, wanted: &Argon2Cost) -> Result<Verdict, Error> {
    let parsed = Stored::parse(stored)?;
    let mut output = vec![0_u8; parsed.output.len()];
    compute(password, &parsed.salt, &parsed.params, &mut output)?;
    // `Output` compares in constant time.
    if Output::new(&output).ok() != Some(parsed.output) {
        return Ok(Verdict::Wrong);
    }
    let same_cost = parsed.params.m_cost() == wanted.memory_kib
        && parsed.params.t_cost() == wanted.passes
        && parsed.params.p_cost() == wanted.lanes
        && parsed.output.len() == OUTPUT_BYTES;
    Ok(if same_cost { Verdict::Right } else { Verdict::RightButOldCost })
}

/// Does the work of `verify` for an account that does not exist.
pub(crate) fn verify_nothing(password: &[u8], cost: &Argon2Cost) -> Result<(), Error> {
    let mut output = [0_u8; OUTPUT_BYTES];
    compute(password, &[0; SALT_BYTES], &cost.params()?, &mut output)
}

/// Refuses a PHC string that `verify` could not use, or would need too much for.
pub(crate) fn check_stored(stored: &str) -> Result<(), Error> {
    Stored::parse(stored).map(|_| ())
}

struct Stored {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    fn parse(stored: &str) -> Result<Stored, Error> {
        if stored.len() > PHC_BYTES_MAX {
            return Err(damaged("too long"));
        }
        let phc = PasswordHash::new(stored).map_err(|_| damaged("no PHC string"))?;
        if phc.algorithm.as_str() != "argon2id" || phc.version != Some(0x13) {
            return Err(damaged("not Argon2id version 19"));
        }
        let params = Params::try_from(&phc).map_err(|_| damaged("bad parameters"))?;
        let too_costly =
            params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX;
        if too_costly {
            return Err(damaged("parameters beyond the limits"));
        }
        let salt = phc.salt.ok_or_else(|| damaged("no salt"))?;
        let output = phc.hash.ok_or_else(|| damaged("no hash"))?;
        Ok(Stored { params, salt, output })
    }
}

fn damaged(what: &str) -> Error {
    Error::Damaged { what: format!("password hash: {what}") }
}

fn compute(password: &[u8], salt: &[u8], params: &Params, output: &mut [u8]) -> Result<(), Error> {
    #[cfg(test)]
    let _counted = tests::count_hash(password);
    let mut memory = reserve(params.block_count())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt, output, memory.as_mut_slice())
        .map_err(|error| damaged(&error.to_string()))
}

fn reserve(blocks: usize) -> Result<Vec<Block>, Error> {
    let reserved = blocks.max(RESERVED_BLOCKS_MIN);
    let mut memory: Vec<Block> = Vec::new();
    memory
        .try_reserve_exact(reserved)
        .or_else(|_| memory.try_reserve_exact(blocks))
        .map_err(|_| Error::Memory { bytes: blocks.saturating_mul(Block::SIZE) })?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

#[cfg(test)]
pub(crate) mod tests;
