//! libFuzzer around one target, which the variable `FUZZ_TARGET` names. One binary for all of them: it is linked once.
//! Started by tests/fuzz/run, which knows the flags that let the compiler count branches.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<&'static blerg_fuzz::Target> = OnceLock::new();

#[expect(clippy::disallowed_methods, reason = "libFuzzer owns the arguments")]
fn choose() {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = blerg_fuzz::find(&name).expect("FUZZ_TARGET names one of TARGETS");
    TARGET.get_or_init(|| target);
}

libfuzzer_sys::fuzz_target!(init: choose(), |bytes: &[u8]| {
    (TARGET.get().expect("chosen before the first run").run)(bytes);
});
