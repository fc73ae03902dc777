//! Messages events as the frames of Bedrock's stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use messages::ApiError;
use wire::event_stream::write_frame;

use super::{error_body, exception};

const JSON: (&str, &str) = (":content-type", "application/json");

/// One event, in base64 within JSON within a frame.
pub fn write_event(out: &mut BytesMut, event: &[u8]) {
    let payload = format!(r#"{{"bytes":"{}"}}"#, STANDARD.encode(event));
    write_frame(out, &[(":event-type", "chunk"), JSON, (":message-type", "event")], payload.as_bytes());
}

/// The exception that ends a stream. Its name begins in lower case there, and those that only an answer has become the one
/// that stands for anything.
pub fn write_error(out: &mut BytesMut, error: &ApiError) {
    let name = match exception(error).0 {
        "ThrottlingException" => "throttlingException",
        "ValidationException" => "validationException",
        "ModelTimeoutException" => "modelTimeoutException",
        "ServiceUnavailableException" => "serviceUnavailableException",
        _ => "internalServerException",
    };
    write_frame(out, &[(":exception-type", name), JSON, (":message-type", "exception")], &error_body(error));
}

#[cfg(test)]
mod tests {
    use messages::ErrorKind;
    use wire::event_stream::Decoder;

    use super::*;

    #[test]
    fn an_event_and_an_exception_are_frames_of_their_kind() {
        let mut out = BytesMut::new();
        write_event(&mut out, br#"{"type":"ping"}"#);
        write_error(&mut out, &ApiError::new(ErrorKind::Overloaded, "Busy"));
        let mut decoder = Decoder::new(1 << 16);
        decoder.push(&out);
        let event = decoder.next_frame().unwrap().unwrap();
        assert_eq!(
            (event.header(":message-type"), event.header(":event-type")),
            (Some("event"), Some("chunk"))
        );
        assert_eq!(event.payload, r#"{"bytes":"eyJ0eXBlIjoicGluZyJ9"}"#);
        let exception = decoder.next_frame().unwrap().unwrap();
        assert_eq!(exception.header(":exception-type"), Some("serviceUnavailableException"));
        assert_eq!(exception.payload, r#"{"message":"Busy"}"#);
    }
}
