//! `claude-simulator`: the simulator as a program. The first line on stdout is its URL.

use clap::Parser;
use simulator::{STEERING, Settings, Simulator};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

/// A strict stand-in for the Messages API on loopback.
#[derive(Parser)]
#[command(name = "claude-simulator", version, after_long_help = STEERING)]
struct Flags {
    /// Where to listen: loopback only
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Take only this API key; any when absent
    #[arg(long)]
    key: Option<String>,
    /// Serve this model name too (may be repeated)
    #[arg(long = "model")]
    models: Vec<String>,
    /// How long Google's tokens and AWS's temporary credentials are good, in seconds
    #[arg(long, default_value_t = 3600)]
    credentials_seconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let address = SocketAddr::new(flags.host, flags.port);
    let Flags { key, models, credentials_seconds, .. } = flags;
    match Simulator::start_with(Settings { address, key, models, credentials_seconds }).await {
        Ok(simulator) => {
            // Nobody reading the URL is no reason not to serve.
            let _ = writeln!(std::io::stdout(), "{}", simulator.url());
            simulator.run().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "claude-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}
