//! What a running server takes over of a new configuration, and what it can't without a new start.

use super::Config;

impl Config {
    /// Keeps what holds from a server's start to its end as it is in `running`. The keys that would have changed.
    pub fn keep_from_start(&mut self, running: &Self) -> Vec<&'static str> {
        let mut kept = Vec::new();
        let (server, openai, logging) = (&mut self.server, &mut self.openai, &mut self.logging);
        keep(&mut kept, "server.host", &mut server.host, &running.server.host);
        keep(&mut kept, "server.port", &mut server.port, &running.server.port);
        keep(&mut kept, "server.workers", &mut server.workers, &running.server.workers);
        keep(
            &mut kept,
            "server.max_connections",
            &mut server.max_connections,
            &running.server.max_connections,
        );
        keep(&mut kept, "server.cors_origins", &mut server.cors_origins, &running.server.cors_origins);
        keep(&mut kept, "openai.store", &mut openai.store, &running.openai.store);
        keep(&mut kept, "openai.store_days", &mut openai.store_days, &running.openai.store_days);
        keep(
            &mut kept,
            "openai.store_max_bytes",
            &mut openai.store_max_bytes,
            &running.openai.store_max_bytes,
        );
        keep(&mut kept, "logging.level", &mut logging.level, &running.logging.level);
        keep(&mut kept, "logging.format", &mut logging.format, &running.logging.format);
        keep(&mut kept, "usage", &mut self.usage, &running.usage);
        keep(&mut kept, "data_dir", &mut self.data_dir, &running.data_dir);
        kept
    }
}

fn keep<T: Clone + PartialEq>(kept: &mut Vec<&'static str>, key: &'static str, new: &mut T, running: &T) {
    if new != running {
        new.clone_from(running);
        kept.push(key);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Environment, parse};

    #[test]
    fn what_needs_a_new_start_stays_and_is_named_and_the_rest_is_taken_over() {
        let env = Environment::from([("HOME".to_owned(), "/home/anna".to_owned())]);
        let config = |text: &str| parse(text, &env).unwrap().config;
        let running = config(r#"{"server": {"port": 8000}}"#);
        let mut new = config(
            r#"{"server": {"port": 9000, "max_body_bytes": 5000}, "openai": {"store": false, "max_choices": 3},
                "logging": {"level": "DEBUG"}, "data_dir": "/elsewhere"}"#,
        );
        let kept = new.keep_from_start(&running);
        assert_eq!(kept, ["server.port", "openai.store", "logging.level", "data_dir"]);
        assert_eq!((new.server.port, &new.data_dir), (8000, &running.data_dir));
        assert_eq!((new.server.max_body_bytes, new.openai.max_choices), (5000, 3));
        assert_eq!(new.keep_from_start(&running), [""; 0]);
    }
}
