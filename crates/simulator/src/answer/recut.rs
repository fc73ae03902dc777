//! Cuts a stream into the pieces a script asks for.

use super::play::Act;
use crate::script::Turn;

/// Cuts the bytes where the turn says, whatever the events' boundaries.
pub(super) fn recut(acts: Vec<Act>, turn: &Turn) -> Vec<Act> {
    if turn.chunk_bytes == 0 && turn.cut_at.is_empty() {
        return acts;
    }
    let mut cut = Vec::new();
    let mut run = Vec::new();
    let mut offset = 0;
    for act in acts {
        if let Act::Send(bytes) = act {
            run.extend(bytes);
        } else {
            flush(&mut run, &mut offset, turn, &mut cut);
            cut.push(act);
        }
    }
    flush(&mut run, &mut offset, turn, &mut cut);
    cut
}

/// Sends what has gathered between two waits in pieces; `offset` counts the bytes of the whole stream.
fn flush(run: &mut Vec<u8>, offset: &mut usize, turn: &Turn, cut: &mut Vec<Act>) {
    let mut piece = Vec::new();
    for byte in run.drain(..) {
        let at_size = turn.chunk_bytes > 0 && piece.len() == turn.chunk_bytes;
        if !piece.is_empty() && (at_size || turn.cut_at.contains(offset)) {
            cut.push(Act::Send(std::mem::take(&mut piece)));
        }
        piece.push(byte);
        *offset += 1;
    }
    if !piece.is_empty() {
        cut.push(Act::Send(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, recut};
    use crate::script::turn;

    fn send(text: &str) -> Act {
        Act::Send(text.as_bytes().to_vec())
    }

    #[test]
    fn pieces_span_events_but_not_waits() {
        let acts = vec![send("abc"), send("de"), Act::Hold, send("fgh")];
        let expected = [send("ab"), send("cd"), send("e"), Act::Hold, send("fg"), send("h")];
        assert_eq!(recut(acts, &turn().chunks_of(2)), expected);
    }

    #[test]
    fn offsets_count_from_the_first_byte_of_the_stream() {
        let acts = vec![send("abc"), Act::Hold, send("fgh")];
        assert_eq!(
            recut(acts, &turn().cut_at([1, 5])),
            [send("a"), send("bc"), Act::Hold, send("fg"), send("h")]
        );
    }
}
