//! What the NDJSON reader and writer promise.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::Value;
use wire::ndjson::{self, LineTooLong, Lines};

type Read = Vec<Result<Bytes, LineTooLong>>;

fn read(stream: &[u8], cuts: &[usize], limit_bytes: usize) -> (Read, Option<Bytes>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut lines = Lines::new(limit_bytes);
    let mut found = Vec::new();
    for piece in cuts.windows(2) {
        lines.push(&stream[piece[0]..piece[1]]);
        while let Some(line) = lines.next_line().transpose() {
            found.push(line);
        }
    }
    (found, lines.finish())
}

#[test]
fn lines_come_without_their_ends_and_blank_ones_not_at_all() {
    let (found, rest) = read(b"{\"a\":1}\r\n\n  \r\n{}\n{\"b\"", &[], 100);
    assert_eq!(found, [Ok(Bytes::from("{\"a\":1}")), Ok(Bytes::from("{}"))]);
    assert_eq!(rest, Some(Bytes::from("{\"b\"")));
}

#[test]
fn a_line_over_the_limit_is_told_once_and_the_next_one_is_read() {
    let (found, rest) = read(b"0123456789\n12345\nabcdef", &[2, 4, 6, 8], 5);
    assert_eq!(
        found,
        [Err(LineTooLong { limit_bytes: 5 }), Ok(Bytes::from("12345")), Err(LineTooLong { limit_bytes: 5 })]
    );
    assert_eq!(rest, None);
}

/// One that searched each line from its start again would look at 450 GB here.
#[test]
fn a_long_line_in_small_pieces_takes_linear_time() {
    let started = Instant::now();
    let mut lines = Lines::new(4_000_000);
    for _ in 0..300_000 {
        lines.push(b"0123456789");
        assert_eq!(lines.next_line(), Ok(None));
    }
    lines.push(b"\n");
    assert_eq!(lines.next_line().unwrap().unwrap().len(), 3_000_000);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_pretty_printed_body_is_written_as_one_line() {
    let mut out = BytesMut::new();
    ndjson::write_line(&mut out, "{\r\n  \"a\": [1,\n2]\n}".as_bytes());
    assert_eq!(out, "{    \"a\": [1, 2] }\n");
}

/// Node's readline ends a line at each of them.
#[test]
fn line_separators_of_unicode_are_escaped_and_their_neighbours_kept() {
    let mut out = BytesMut::new();
    ndjson::write_line(&mut out, "\"\u{2028}\u{2029}\u{2027}’€\"".as_bytes());
    assert_eq!(out, "\"\\u2028\\u2029\u{2027}’€\"\n");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_lines(
        stream in prop::collection::vec(prop::sample::select(b"\n\r ab{}".as_slice()), 0..80),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        limit_bytes in 0_usize..12,
    ) {
        let whole = read(&stream, &[], limit_bytes);
        let bytewise: Vec<usize> = (0..=stream.len()).collect();
        prop_assert_eq!(&read(&stream, &cuts, limit_bytes), &whole);
        prop_assert_eq!(&read(&stream, &bytewise, limit_bytes), &whole);
    }

    #[test]
    fn a_value_written_as_a_line_is_read_as_the_same_value(text in any::<String>(), key in "[\\PC\u{2028}]{0,5}") {
        let value = serde_json::json!({ key: [text, {"nested": 1.50}] });
        let mut out = BytesMut::new();
        ndjson::write_line(&mut out, serde_json::to_string_pretty(&value).unwrap().as_bytes());
        let (found, rest) = read(&out, &[], usize::MAX);
        prop_assert_eq!((found.len(), rest), (1, None));
        let line = found[0].as_ref().unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(line).unwrap(), value);
    }
}
