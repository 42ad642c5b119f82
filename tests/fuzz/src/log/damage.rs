//! What an input does to the files of a store, step by step: start at [`apply`]. Bytes are changed as they are, or with
//! every checksum that covers them made right again, so that what lies behind the checksums is reached, too (FORMAT.md).

use crate::disk::{Content, Files};
use crate::input::Input;

use super::DIR;

/// More changes say nothing new.
const STEPS_MAX: usize = 24;
/// Bytes of a frame before its payload, and of a segment before its first frame.
const HEADER_BYTES: usize = 56;
const FIRST_FRAME: usize = 64;
const SEAL: u8 = 2;
/// The secret of the store, from which the checksums begin.
pub(crate) const HASH_KEY: [u8; 16] = [2; 16];

/// How far checksums tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// So little that none can miss it.
    Small,
    /// Anything that has none of them made right.
    Large,
    /// Frames or words that no writer writes pass for sound ones.
    Made,
}

/// Does what the input says.
pub(crate) fn apply(files: &mut Files, mut input: Input<'_>) -> Harm {
    let (mut steps, mut harm) = (0, Harm::Small);
    while !input.is_empty() && steps < STEPS_MAX {
        steps += 1;
        let step = input.byte();
        harm = harm.max(match step % 8 {
            0 | 1 => patch(files, &mut input),
            2 => resize(files, &mut input),
            3 => frame(files, &mut input),
            4 => append(files, &mut input),
            5 => word(files, &mut input),
            6 => format(files, &mut input),
            _ => whole(files, &mut input),
        });
    }
    if steps > 1 { harm.max(Harm::Large) } else { harm }
}

fn pick<'f>(files: &'f mut Files, input: &mut Input<'_>) -> &'f mut Content {
    let number = usize::from(input.byte()) % files.len();
    &mut files[number].1
}

/// A place in a file, which the input tells in three bytes; places near the beginning in two.
fn place(input: &mut Input<'_>) -> usize {
    let at = input.short();
    if at < 0xf000 { at } else { (at & 0xfff) << 8 | usize::from(input.byte()) }
}

fn patch(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let (content, at) = (pick(files, input), place(input));
    let length = usize::from(input.byte()) % 64;
    let bytes = input.take(length);
    content.write(at, bytes);
    if bytes.len() <= 4 { Harm::Small } else { Harm::Large }
}

/// Cut off, or longer than it was; not much, because as many numbers are left out as a gap may have held.
fn resize(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let (content, length) = (pick(files, input), place(input));
    content.resize(length % (64 << 10));
    Harm::Small
}

/// A file in place of another, or gone.
fn whole(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let (from, to) = (usize::from(input.byte()), usize::from(input.byte()));
    match files.len() {
        many if from == 0xff && many > 1 => drop(files.remove(to % many)),
        many => files[to % many].1 = files[from % many].1.clone(),
    }
    Harm::Large
}

/// A word of the control page, the checksum of its slots made right.
fn word(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let at = usize::from(input.byte()) % 40 * 8;
    let value = number(input);
    if let Some(page) = named(files, "ctl") {
        page.write(at, &value.to_le_bytes());
        slots(page);
    }
    Harm::Made
}

/// Numbers as small as they can be told, and others.
fn number(input: &mut Input<'_>) -> u64 {
    match input.byte() {
        0xf0 => u64::from_le_bytes(std::array::from_fn(|_| input.byte())),
        0xf1 => u64::MAX,
        0xf2 => 1 << (input.byte() % 64),
        0xf3 => input.short() as u64 * 8,
        small => u64::from(small),
    }
}

fn slots(page: &mut Content) {
    for at in [192, 256] {
        let mut words = [0; 56];
        page.read(at, &mut words);
        let sum = u64::from(crc32c::crc32c(&words)) | 1 << 32;
        page.write(at + 56, &sum.to_le_bytes());
    }
}

/// A line of FORMAT, its checksum made right.
fn format(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let at = usize::from(input.byte());
    let length = usize::from(input.byte()) % 32;
    let bytes = input.take(length);
    let Some(file) = named(files, "FORMAT") else { return Harm::Made };
    file.write(at, bytes);
    let mut text = vec![0; file.len()];
    file.read(0, &mut text);
    let Some(body) = text.windows(7).rposition(|part| part == b"crc32c ") else { return Harm::Made };
    let sum = format!("{:08x}", crc32c::crc32c(&text[..body]));
    file.write(body + 7, sum.as_bytes());
    Harm::Made
}

fn named<'f>(files: &'f mut Files, name: &str) -> Option<&'f mut Content> {
    files.iter_mut().find(|(path, _)| path.ends_with(name)).map(|(_, content)| content)
}

/// The checksum of bytes at a position.
fn sum(position: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&HASH_KEY), &position.to_le_bytes()), bytes)
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: usize,
    base: u64,
    at: usize,
    bytes: usize,
}

/// Segments by their bases, as far as they are there, and their frames.
fn frames(files: &Files) -> (Vec<(usize, u64)>, Vec<Place>) {
    let base = |path: &std::path::Path| {
        let below = path.strip_prefix(DIR).ok()?.strip_prefix("log").ok()?;
        u64::from_str_radix(below.to_str()?.strip_suffix(".seg")?, 16).ok()
    };
    let mut segments: Vec<(usize, u64)> =
        files.iter().enumerate().filter_map(|(at, (path, _))| Some((at, base(path)?))).collect();
    segments.sort_by_key(|(_, base)| *base);
    let mut found = Vec::new();
    for (file, base) in &segments {
        let content = &files[*file].1;
        let mut at = FIRST_FRAME;
        loop {
            let mut head = [0; 5];
            content.read(at, &mut head);
            let bytes = u32::from_le_bytes(*head.first_chunk().expect("5 bytes")) as usize;
            if bytes < HEADER_BYTES || !bytes.is_multiple_of(8) || at + bytes > content.len() {
                break;
            }
            found.push(Place { file: *file, base: *base, at, bytes });
            at += bytes;
            if head[4] == SEAL {
                break;
            }
        }
    }
    (segments, found)
}

/// Bytes of a frame, its checksums made right; with the low bits of the first byte also the chain behind it and the page that names the end.
fn frame(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let how = input.byte();
    let (number, at, length) = (usize::from(input.byte()), input.short() & 0xfff, usize::from(input.byte()) % 64);
    let bytes = input.take(length);
    let (_, all) = frames(files);
    let Some(place) = all.get(number % all.len().max(1)) else { return Harm::Made };
    let within = at % place.bytes;
    files[place.file].1.write(place.at + within, &bytes[..bytes.len().min(place.bytes - within)]);
    mend(files, *place);
    if how & 1 != 0 {
        chain(files, how & 2 != 0);
    }
    Harm::Made
}

/// The two checksums of a frame.
fn mend(files: &mut Files, place: Place) {
    let content = &mut files[place.file].1;
    let mut frame = vec![0; place.bytes];
    content.read(place.at, &mut frame);
    let payload = u32::from_le_bytes(*frame[20..].first_chunk().expect("56 bytes")) as usize;
    let payload = &frame[HEADER_BYTES..(HEADER_BYTES + payload.min(1 << 20)).clamp(HEADER_BYTES, frame.len())];
    let crc = crc32c::crc32c(payload).to_le_bytes();
    frame[36..40].copy_from_slice(&crc);
    let hcrc = sum(place.base + place.at as u64, &frame[..40]).to_le_bytes();
    frame[40..44].copy_from_slice(&hcrc);
    content.write(place.at, &frame[..44]);
}

/// Makes the numbers of authors and records small: no writer gets to large ones, and to leave out millions takes as long as it takes.
pub(crate) fn tame(files: &mut Files) {
    for place in frames(files).1 {
        let content = &mut files[place.file].1;
        let mut frame = vec![0; place.bytes];
        content.read(place.at, &mut frame);
        let small = |number: &mut [u8], most: u8| {
            number[0] &= most;
            number[1..].fill(0);
        };
        let (kind, flags) = (frame[4], frame[5]);
        if kind > SEAL {
            small(&mut frame[16..20], 7);
            // Followed is an author.
            small(&mut frame[24..32], if kind < 8 { 255 } else { 7 });
            let answered = HEADER_BYTES + usize::from(flags & 1) * 8;
            if let (4, 2, Some(id)) = (kind, flags & 2, frame.get_mut(answered..answered + 12)) {
                small(&mut id[..4], 7);
                small(&mut id[4..], 255);
            }
            content.write(place.at, &frame);
            mend(files, place);
        }
    }
    chain(files, true);
}

/// Has every frame name the one before it, every segment the SEAL before it, and the control page the last frame.
fn chain(files: &mut Files, is_published: bool) {
    let (segments, all) = frames(files);
    let (mut last_at, mut last_sum) = (0, [0; 4]);
    for (file, base) in segments {
        let content = &mut files[file].1;
        let mut header = [0; 60];
        content.read(0, &mut header);
        header[40..48].copy_from_slice(&u64::to_le_bytes(last_at));
        header[48..52].copy_from_slice(&last_sum);
        content.write(0, &header);
        content.write(60, &sum(base, &header).to_le_bytes());
        for place in all.iter().filter(|place| place.file == file) {
            files[file].1.write(place.at + 32, &last_sum);
            mend(files, *place);
            files[file].1.read(place.at + 40, &mut last_sum);
            last_at = base + place.at as u64;
        }
    }
    if let (true, Some(last)) = (is_published, all.last()) {
        publish(files, *last, last_sum);
    }
}

/// Has the control page say that the log ends with this frame, and that all of it is durable.
fn publish(files: &mut Files, last: Place, hcrc: [u8; 4]) {
    let Some(page) = named(files, "ctl") else { return };
    let mut current = [0; 8];
    page.read(144, &mut current);
    let slot = 192 + (u64::from_le_bytes(current) % 2) as usize * 64;
    let position = last.base + last.at as u64;
    let end = (position + last.bytes as u64).to_le_bytes();
    page.write(slot + 8, &end);
    page.write(slot + 16, &position.to_le_bytes());
    page.write(slot + 24, &[hcrc, [0; 4]].concat());
    page.write(80, &end);
    slots(page);
}

/// One more frame at the end, with right checksums: also one that no writer writes. The first byte says whether the page tells of it.
fn append(files: &mut Files, input: &mut Input<'_>) -> Harm {
    let how = input.byte();
    let (kind, flags, lag) = (input.byte(), input.byte(), input.short() as u16);
    let (author, n) = (u32::from(input.byte()), number(input));
    let mut payload = Vec::new();
    // Positions of frames are what payloads hold most often.
    for _ in 0..how >> 6 {
        payload.extend_from_slice(&number(input).to_le_bytes());
    }
    let length = usize::from(input.byte()) % 128;
    payload.extend_from_slice(input.take(length));
    let (_, all) = frames(files);
    let Some(last) = all.last().copied() else { return Harm::Made };
    let bytes = (HEADER_BYTES + payload.len()).next_multiple_of(8);
    let place = Place { at: last.at + last.bytes, bytes, ..last };
    let mut frame = Vec::with_capacity(bytes);
    frame.extend_from_slice(&(bytes as u32).to_le_bytes());
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&lag.to_le_bytes());
    frame.extend_from_slice(&8_000_000_u64.to_le_bytes());
    frame.extend_from_slice(&author.to_le_bytes());
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(&n.to_le_bytes());
    frame.resize(HEADER_BYTES, 0);
    frame.extend_from_slice(&payload);
    frame.resize(bytes, 0);
    if place.at + bytes > files[place.file].1.len() {
        return Harm::Made;
    }
    files[place.file].1.write(place.at, &frame);
    chain(files, how & 1 != 0);
    Harm::Made
}
