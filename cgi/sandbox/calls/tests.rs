//! The filter, run here as the kernel runs it, over every number of a call that there could be.

use super::*;

/// Numbers of calls end well below this.
const NUMBERS: u32 = 1024;
/// x86-64 has a second set of the same calls above this bit (x32).
const X32: u32 = 0x4000_0000;

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const NO_SUCH_CALL: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();

const OURS: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else {
    0xc000_00f3
};
/// The 32-bit calls of x86 and ARM, and those of another processor.
const OTHERS: [u32; 3] = [0x4000_0003, 0x4000_0028, 0x0000_0015];

/// What the filter says to a call (seccomp(2); the classic BPF that seccompiler writes).
fn ask(program: &BpfProgram, processor: u32, call: u32, arguments: [u64; 6]) -> u32 {
    let mut data = [call.to_le_bytes(), processor.to_le_bytes()].concat();
    data.extend([0; 8]);
    data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let step = &program[at];
        let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
        at += 1;
        match step.code {
            0x20 => {
                let from = step.k as usize;
                accumulator = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x05 => at += step.k as usize,
            0x15 => at += jump(accumulator == step.k),
            0x25 => at += jump(accumulator > step.k),
            0x35 => at += jump(accumulator >= step.k),
            0x54 => accumulator &= step.k,
            0x06 => return step.k,
            code => panic!("instruction {code:#x} is unknown here"),
        }
    }
}

#[test]
fn the_list_is_all_that_passes() {
    for (connects, others) in [(false, [].as_slice()), (true, CONNECTING)] {
        let program = program(connects).unwrap();
        let known = [FILES, MEMORY, PROCESS, EVENTS, OLDER, others].concat();
        let anything = [u64::from(u32::MAX); 6];
        let mut passed = 0;
        for call in 0..NUMBERS {
            let listed = known.contains(&c_long::from(call));
            let want = if listed { ALLOW } else { NO_SUCH_CALL };
            // Of those that are looked at more closely no arguments are all ones.
            let closely = rules(connects).unwrap().get(&c_long::from(call)).is_some_and(|rules| !rules.is_empty());
            if !closely {
                assert_eq!(ask(&program, OURS, call, anything), want, "call {call}");
            }
            passed += usize::from(listed);
            if cfg!(target_arch = "x86_64") {
                assert_eq!(ask(&program, OURS, call | X32, anything), NO_SUCH_CALL, "x32 call {call}");
            }
            for other in OTHERS {
                assert_eq!(ask(&program, other, call, anything), KILL, "call {call} of {other:#x}");
            }
        }
        assert_eq!(passed, known.len());
    }
}

#[track_caller]
fn check(program: &BpfProgram, call: c_long, arguments: [u64; 3], want: u32) {
    let [first, second, third] = arguments;
    assert_eq!(ask(program, OURS, u32::try_from(call).unwrap(), [first, second, third, 0, 0, 0]), want, "{call}");
}

#[test]
fn what_others_break_in_with_is_not_on_the_list() {
    for connects in [false, true] {
        let program = program(connects).unwrap();
        for call in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_bpf,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_move_mount,
            libc::SYS_fsopen,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_kexec_load,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_userfaultfd,
            libc::SYS_perf_event_open,
            libc::SYS_io_uring_setup,
            libc::SYS_io_uring_enter,
            libc::SYS_open_by_handle_at,
            libc::SYS_name_to_handle_at,
            libc::SYS_memfd_create,
            libc::SYS_personality,
            libc::SYS_setuid,
            libc::SYS_setresuid,
            libc::SYS_setgroups,
            libc::SYS_capset,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_getfd,
            libc::SYS_symlinkat,
            libc::SYS_linkat,
            libc::SYS_mknodat,
            libc::SYS_fchmodat,
            libc::SYS_fchownat,
            libc::SYS_setxattr,
            libc::SYS_clone3,
            libc::SYS_reboot,
            libc::SYS_swapon,
            libc::SYS_syslog,
            libc::SYS_settimeofday,
            libc::SYS_seccomp,
        ] {
            check(&program, call, [0; 3], NO_SUCH_CALL);
        }
    }
}

#[test]
fn arguments_are_looked_at() {
    let own = u64::from(std::process::id());
    let number = |value: i32| u64::from(value.unsigned_abs());
    for connects in [false, true] {
        let program = program(connects).unwrap();
        let only_with_hub = if connects { ALLOW } else { NO_SUCH_CALL };
        let execute = number(libc::PROT_READ | libc::PROT_EXEC);
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            check(&program, call, [0, 4096, number(libc::PROT_READ | libc::PROT_WRITE)], ALLOW);
            check(&program, call, [0, 4096, execute], only_with_hub);
        }
        check(&program, libc::SYS_clone, [number(libc::CLONE_THREAD | libc::CLONE_VM), 0, 0], ALLOW);
        check(&program, libc::SYS_clone, [number(libc::SIGCHLD), 0, 0], NO_SUCH_CALL);
        check(&program, libc::SYS_clone, [number(libc::CLONE_NEWUSER), 0, 0], NO_SUCH_CALL);
        check(&program, libc::SYS_tgkill, [own, own, 6], ALLOW);
        check(&program, libc::SYS_tgkill, [1, 1, 9], NO_SUCH_CALL);
        check(&program, libc::SYS_prlimit64, [0, 7, 0], ALLOW);
        check(&program, libc::SYS_prlimit64, [1, 7, 0], NO_SUCH_CALL);
        check(&program, libc::SYS_prctl, [number(libc::PR_SET_NAME), 0, 0], ALLOW);
        for option in [libc::PR_SET_DUMPABLE, libc::PR_SET_SECCOMP, libc::PR_CAPBSET_DROP, libc::PR_SET_MM] {
            check(&program, libc::SYS_prctl, [number(option), 1, 0], NO_SUCH_CALL);
        }
        check(&program, libc::SYS_ioctl, [0, libc::FIONBIO, 0], ALLOW);
        for request in [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSCTTY] {
            check(&program, libc::SYS_ioctl, [0, request, 0], NO_SUCH_CALL);
        }
        for family in FAMILIES {
            check(&program, libc::SYS_socket, [number(family), 1, 0], only_with_hub);
        }
        for family in [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK, libc::AF_BLUETOOTH] {
            check(&program, libc::SYS_socket, [number(family), 1, 0], NO_SUCH_CALL);
        }
    }
}
