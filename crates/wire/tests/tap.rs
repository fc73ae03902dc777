//! The tap sees what the decoder sees, and knows when an event of our own may follow.

use proptest::prelude::*;
use wire::sse::Decoder;
use wire::tap::Tap;

const WANTED: &[&str] = &["message_start", "message_delta"];

fn observe(stream: &[u8], piece_bytes: usize, limit_bytes: usize) -> (Vec<(String, Vec<u8>)>, bool) {
    let mut tap = Tap::new(WANTED, limit_bytes);
    let mut seen = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        tap.observe(piece, |name, data| seen.push((name.to_owned(), data.to_vec())));
    }
    (seen, tap.at_boundary())
}

fn decode(stream: &[u8], limit_bytes: usize) -> Vec<(String, Vec<u8>)> {
    let mut decoder = Decoder::new(limit_bytes);
    decoder.push(stream);
    let mut frames = Vec::new();
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => {
                frames.push((String::from_utf8_lossy(&frame.event).into_owned(), frame.data.to_vec()));
            }
            Ok(None) => return frames,
            Err(_) => {}
        }
    }
}

#[test]
fn only_wanted_frames_are_handed_out() {
    let stream = b"event: message_start\ndata: 1\n\nevent: ping\ndata: 2\n\ndata: 3\n\nevent: message_delta\ndata: 4\n\n";
    let (seen, at_boundary) = observe(stream, 7, 100);
    assert_eq!(
        seen,
        [("message_start".to_owned(), b"1".to_vec()), ("message_delta".to_owned(), b"4".to_vec())]
    );
    assert!(at_boundary);
}

#[test]
fn a_frame_too_long_to_read_hides_only_itself() {
    let stream = b"event: message_start\ndata: 0123456789012345678901234567890123456789\n\nevent: message_delta\ndata: 4\n\n";
    let (seen, at_boundary) = observe(stream, 3, 40);
    assert_eq!(seen, [("message_delta".to_owned(), b"4".to_vec())]);
    assert!(at_boundary);
}

#[test]
fn inside_a_frame_is_no_boundary() {
    let mut tap = Tap::new(WANTED, 100);
    assert!(tap.at_boundary(), "nothing was sent yet");
    for (chunk, at_boundary) in [("event: ping\n", false), ("data: {}", false), ("\n", false), ("\n", true)] {
        tap.observe(chunk.as_bytes(), |_, _| {});
        assert_eq!(tap.at_boundary(), at_boundary, "after {chunk:?}");
    }
}

proptest! {
    #[test]
    fn it_sees_the_same_frames_as_the_decoder(
        tokens in prop::collection::vec(
            prop::sample::select(&["event: message_start", "event:message_delta", "event: ping", "data: {}", "data: 0123456789",
                ": note", "\n", "\n\n", "\r", "\r\n"][..]),
            0..40,
        ),
        piece_bytes in 1_usize..20,
        limit_bytes in 10_usize..80,
    ) {
        let stream = tokens.concat();
        let mut expected = decode(stream.as_bytes(), limit_bytes);
        expected.retain(|(name, _)| WANTED.contains(&name.as_str()));
        prop_assert_eq!(observe(stream.as_bytes(), piece_bytes, limit_bytes).0, expected);
    }
}
