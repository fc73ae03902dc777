//! What the reader and writer of AWS's event streams promise.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wire::event_stream::{Corrupt, Decoder, Frame, write_frame};

const LIMIT: usize = 1 << 20;

/// Headers and payload of each frame.
type Content = Vec<(Vec<(String, String)>, Vec<u8>)>;

/// What comes of a stream that arrives in these pieces, up to its first error; and whether something was left over.
fn read(stream: &[u8], cuts: &[usize], limit: usize) -> (Vec<Frame>, Option<Corrupt>, bool) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    for piece in cuts.windows(2) {
        decoder.push(&stream[piece[0]..piece[1]]);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(corrupt) => return (frames, Some(corrupt), decoder.has_partial()),
            }
        }
    }
    (frames, None, decoder.has_partial())
}

fn written(headers: &[(&str, &str)], payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    write_frame(&mut out, headers, payload);
    out
}

/// A message that AWS's own documentation and libraries use as an example, with a header of each kind around it.
#[test]
fn a_known_message_is_read_and_written() {
    let known: &[u8] =
        b"\x00\x00\x00\x3d\x00\x00\x00\x20\x07\xfd\x83\x96\x0ccontent-type\x07\x00\x10application/json\
        {'foo':'bar'}\x8d\x9c\x08\xb1";
    let (frames, corrupt, partial) = read(known, &[], LIMIT);
    assert_eq!((frames.len(), corrupt, partial), (1, None, false));
    assert_eq!(frames[0].header("content-type"), Some("application/json"));
    assert_eq!(&frames[0].payload[..], b"{'foo':'bar'}");
    assert_eq!(written(&[("content-type", "application/json")], b"{'foo':'bar'}"), known);
}

#[test]
fn headers_of_other_types_are_passed_over() {
    let block = [
        &b"\x01a\x00"[..],
        b"\x01b\x02\x07",
        b"\x01c\x03\x00\x01",
        b"\x01d\x04\x00\x00\x00\x01",
        b"\x01e\x08\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x01f\x06\x00\x02xy",
        b"\x01g\x090123456789abcdef",
        b"\x01h\x07\x00\x02ok",
    ]
    .concat();
    let (frames, corrupt, _) = read(&sealed(&block, b"p"), &[], LIMIT);
    assert_eq!(corrupt, None);
    assert_eq!(
        (frames[0].header("h"), frames[0].header("f"), frames[0].header("z")),
        (Some("ok"), None, None)
    );
    let torn = sealed(&block[..block.len() - 1], b"");
    assert_eq!(read(&torn, &[], LIMIT).1, Some(Corrupt::Headers));
    assert_eq!(read(&sealed(b"\x01a\x0a", b""), &[], LIMIT).1, Some(Corrupt::Headers));
}

/// A frame made by hand around any block of headers.
fn sealed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = (16 + headers.len() + payload.len()) as u32;
    let mut frame = [total.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend([headers, payload].concat());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

#[test]
fn a_frame_that_would_be_too_long_is_refused_by_its_first_bytes() {
    let frame = written(&[], &[0; 100]);
    assert_eq!(read(&frame[..12], &[], 115).1, Some(Corrupt::TooLong { limit_bytes: 115 }));
    assert_eq!(read(&frame, &[], 116).1, None);
}

#[test]
fn lengths_that_contradict_each_other_are_refused() {
    for (total, headers) in [(15_u32, 0_u32), (40, 25), (16, u32::MAX)] {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        assert_eq!(read(&prelude, &[], LIMIT).1, Some(Corrupt::Lengths), "{total} {headers}");
    }
}

#[test]
fn nothing_is_read_behind_an_error() {
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(&[1; 12]);
    assert_eq!(decoder.next_frame(), Err(Corrupt::Checksum("lengths")));
    decoder.push(&written(&[], b"whole"));
    assert_eq!(decoder.next_frame(), Err(Corrupt::Checksum("lengths")));
}

fn frames() -> impl Strategy<Value = Content> {
    let header = ("[a-z:-]{1,20}", "\\PC{0,30}");
    let payload = proptest::collection::vec(any::<u8>(), 0..200);
    proptest::collection::vec((proptest::collection::vec(header, 0..4), payload), 0..6)
}

fn stream(frames: &Content) -> BytesMut {
    let mut out = BytesMut::new();
    for (headers, payload) in frames {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        write_frame(&mut out, &headers, payload);
    }
    out
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(frames in frames(), cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        let stream = stream(&frames);
        let (read, corrupt, partial) = read(&stream, &cuts, LIMIT);
        prop_assert_eq!((corrupt, partial), (None, false));
        prop_assert_eq!(read.len(), frames.len());
        for (frame, (headers, payload)) in read.iter().zip(&frames) {
            prop_assert_eq!(&frame.payload, &Bytes::copy_from_slice(payload));
            for (name, _) in headers {
                let first = headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
                prop_assert_eq!(frame.header(name), first);
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_is_known_as_that(frames in frames(), at in any::<usize>()) {
        let whole = stream(&frames);
        let at = at % (whole.len() + 1);
        let (read, corrupt, partial) = read(&whole[..at], &[], LIMIT);
        prop_assert_eq!(corrupt, None);
        prop_assert_eq!(partial, stream(&frames[..read.len()].to_vec()).len() < at);
    }

    #[test]
    fn a_changed_byte_never_passes(frames in frames(), at in any::<usize>(), bit in 0..8_u8, cuts in proptest::collection::vec(any::<usize>(), 0..5)) {
        let whole = stream(&frames);
        prop_assume!(!whole.is_empty());
        let mut changed = whole.to_vec();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        let (frames, corrupt, _) = read(&changed, &cuts, LIMIT);
        prop_assert!(matches!(corrupt, Some(Corrupt::Checksum(_))), "{:?}", corrupt);
        // Those before it are untouched.
        let (before, _, _) = read(&whole, &[], LIMIT);
        prop_assert_eq!(&before[..frames.len()], &frames[..]);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(any::<usize>(), 0..5)) {
        prop_assert_eq!(read(&bytes, &cuts, LIMIT).0, read(&bytes, &[], LIMIT).0);
    }
}
