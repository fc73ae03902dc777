//! What the SSE reader and writer promise, for any bytes cut anywhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wire::sse::{self, Decoder, Frame, FrameTooLong};

const NO_LIMIT: usize = usize::MAX / 2;

fn frame(event: &str, data: &str) -> Frame {
    Frame { event: Bytes::copy_from_slice(event.as_bytes()), data: Bytes::copy_from_slice(data.as_bytes()) }
}

fn drain(decoder: &mut Decoder, found: &mut Vec<Result<Frame, FrameTooLong>>) {
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => found.push(Ok(frame)),
            Ok(None) => return,
            Err(too_long) => found.push(Err(too_long)),
        }
    }
}

/// All frames of `stream`, pushed in pieces that end at `cuts`.
fn read(stream: &[u8], cuts: &[usize], limit_bytes: usize) -> (Vec<Result<Frame, FrameTooLong>>, bool) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut decoder = Decoder::new(limit_bytes);
    let mut found = Vec::new();
    for piece in cuts.windows(2) {
        decoder.push(&stream[piece[0]..piece[1]]);
        drain(&mut decoder, &mut found);
    }
    (found, decoder.has_partial())
}

fn frames(stream: &str) -> Vec<Frame> {
    read(stream.as_bytes(), &[], NO_LIMIT).0.into_iter().map(Result::unwrap).collect()
}

#[test]
fn event_and_data_are_read() {
    let stream = "event: message_start\ndata: {\"a\":1}\n\nevent:ping\ndata:{}\n\n";
    assert_eq!(frames(stream), [frame("message_start", "{\"a\":1}"), frame("ping", "{}")]);
}

#[test]
fn cr_lf_and_crlf_end_a_line_and_nothing_else_does() {
    let stream = "data: a\rdata: b\r\ndata: c\n\r\ndata: \u{2028}\u{85}\u{b}\u{c}\r\r";
    assert_eq!(frames(stream), [frame("", "a\nb\nc"), frame("", "\u{2028}\u{85}\u{b}\u{c}")]);
}

#[test]
fn comments_unknown_fields_and_a_byte_order_mark_are_skipped() {
    let stream = "\u{feff}: hello\n\n:\nid: 7\nretry: 10\ndatum: x\ndata: 1\n\n";
    assert_eq!(frames(stream), [frame("", "1")]);
}

#[test]
fn a_byte_order_mark_counts_only_at_the_start() {
    assert_eq!(frames("data: 1\n\n\u{feff}data: 2\n\n"), [frame("", "1")]);
}

#[test]
fn only_one_space_after_the_colon_belongs_to_the_field() {
    assert_eq!(
        frames("data:  two\n\ndata:none\n\ndata\n\n"),
        [frame("", " two"), frame("", "none"), frame("", "")]
    );
}

#[test]
fn a_frame_without_data_is_none_and_its_name_is_forgotten() {
    assert_eq!(frames("event: ping\n\ndata: 1\n\n"), [frame("", "1")]);
}

#[test]
fn the_last_name_of_a_frame_counts() {
    assert_eq!(frames("event: a\ndata: 1\nevent: b\n\n"), [frame("b", "1")]);
}

#[test]
fn a_stream_cut_inside_a_frame_has_a_partial() {
    let whole = b"event: a\r\ndata: 1\r\n\r\n";
    for length in 1..whole.len() - 1 {
        assert!(read(&whole[..length], &[], NO_LIMIT).1, "{length} bytes");
    }
    assert!(!read(whole, &[], NO_LIMIT).1);
    assert!(!read(&whole[..whole.len() - 1], &[], NO_LIMIT).1, "its last CR ended the frame");
    assert!(!read(b": comment\n", &[], NO_LIMIT).1);
}

#[test]
fn a_frame_over_the_limit_is_told_once_and_the_next_one_is_read() {
    let stream = b"event: x\ndata: 0123456789\ndata: more\n\ndata: 2\n\n";
    let (found, partial) = read(stream, &[], 16);
    assert_eq!(found, [Err(FrameTooLong { limit_bytes: 16 }), Ok(frame("", "2"))]);
    assert!(!partial);
}

#[test]
fn an_endless_line_is_not_kept() {
    let mut decoder = Decoder::new(1_000);
    let mut found = Vec::new();
    for _ in 0..10_000 {
        decoder.push(&[b'x'; 1_000]);
        drain(&mut decoder, &mut found);
    }
    assert_eq!(found.len(), 1);
    assert!(decoder.has_partial());
    decoder.push(b"\n\ndata: 1\n\n");
    drain(&mut decoder, &mut found);
    assert_eq!(found.last(), Some(&Ok(frame("", "1"))));
}

/// One that searched each line from its start again would look at 450 GB here.
#[test]
fn a_long_line_in_small_pieces_takes_linear_time() {
    let started = Instant::now();
    let mut decoder = Decoder::new(NO_LIMIT);
    decoder.push(b"data: ");
    for _ in 0..300_000 {
        decoder.push(b"0123456789");
        assert_eq!(decoder.next_frame(), Ok(None));
    }
    decoder.push(b"\n\n");
    assert_eq!(decoder.next_frame().unwrap().unwrap().data.len(), 3_000_000);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn frames_are_written_as_the_api_writes_them() {
    let mut out = BytesMut::new();
    sse::write_event(&mut out, "ping", b"{}");
    sse::write_data(&mut out, b"[DONE]");
    sse::write_comment(&mut out, "keep-alive");
    assert_eq!(out, "event: ping\ndata: {}\n\ndata: [DONE]\n\n: keep-alive\n\n");
}

#[test]
fn no_value_can_break_out_of_its_frame() {
    let mut out = BytesMut::new();
    sse::write_event(&mut out, "a\ndata: forged", b"1\r\n\r\nevent: forged\r2");
    sse::write_comment(&mut out, "x\n\ndata: forged");
    let text = String::from_utf8(out.to_vec()).unwrap();
    assert_eq!(frames(&text), [frame("a", "1\n\nevent: forged\n2")]);
}

/// Bytes that look enough like a stream to reach every branch.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(&b"data: "[..]),
        Just(&b"data"[..]),
        Just(&b"event:"[..]),
        Just(&b": note"[..]),
        Just(&b"\n"[..]),
        Just(&b"\n\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\r\n\r\n"[..]),
        Just(&b"ping"[..]),
        Just(&b"0123456789"[..]),
        Just("\u{2028}é".as_bytes()),
        Just(&b"\xEF\xBB\xBF"[..]),
        Just(&b"\xFF"[..]),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        stream in stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        limit_bytes in prop_oneof![0_usize..40, Just(NO_LIMIT)],
    ) {
        let whole = read(&stream, &[], limit_bytes);
        let bytewise: Vec<usize> = (0..=stream.len()).collect();
        prop_assert_eq!(&read(&stream, &cuts, limit_bytes), &whole);
        prop_assert_eq!(&read(&stream, &bytewise, limit_bytes), &whole);
    }

    #[test]
    fn frames_agree_with_a_plain_reading_of_the_specification(stream in stream()) {
        let found: Vec<Frame> = read(&stream, &[], NO_LIMIT).0.into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(found, by_the_book(&stream));
    }

    #[test]
    fn what_is_written_is_read_again(
        name in "[a-z_]{0,12}",
        data in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut out = BytesMut::new();
        sse::write_event(&mut out, &name, &data);
        sse::write_comment(&mut out, &name);
        sse::write_data(&mut out, b"end");
        let found: Vec<Frame> = read(&out, &[], NO_LIMIT).0.into_iter().map(Result::unwrap).collect();
        let lines = Bytes::from(lines(&data).join(&b'\n'));
        prop_assert_eq!(found, vec![Frame { event: name.into(), data: lines }, frame("", "end")]);
    }
}

/// Lines ended by CR, LF or CRLF; the last one is what stands after the last end.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => {
                at += 1;
                lines.push(Vec::new());
            }
            b'\r' | b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(byte),
        }
        at += 1;
    }
    lines
}

/// The specification, word for word, slow and on the whole text at once.
fn by_the_book(stream: &[u8]) -> Vec<Frame> {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut lines = lines(stream);
    lines.pop();
    let (mut found, mut event, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() {
            if data.pop().is_some() {
                found.push(Frame { event: Bytes::from(event), data: Bytes::from(data) });
            }
            (event, data) = (Vec::new(), Vec::new());
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => event = value.to_vec(),
            b"data" => data.extend([value, b"\n"].concat()),
            _ => {}
        }
    }
    found
}
