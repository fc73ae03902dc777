//! Running the program for a short answer (`--version`, `auth status`) instead of a turn.

use std::time::Duration;

use tokio::time::timeout;

use crate::env;
use crate::program::ProgramError;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::spawner::{Spawner, Start};

/// Generous: on a loaded machine the program takes seconds to start.
const LIMIT: Duration = Duration::from_secs(20);

/// What the program prints, whatever its exit status: `auth status` without a login has 1.
pub(crate) async fn output(
    settings: &Settings,
    spawner: &Spawner,
    arguments: &[&str],
) -> Result<String, ProgramError> {
    let unusable = |reason: String| ProgramError::Unusable { program: settings.program.clone(), reason };
    let scratch = Scratch::create(&settings.scratch_root).map_err(|error| unusable(error.to_string()))?;
    let start = Start {
        program: settings.program.clone(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        environment: env::build(settings, &scratch),
        directory: scratch.work(),
    };
    let mut child = spawner.start(start).await.map_err(|error| unusable(error.to_string()))?;
    drop(child.stdin.take());
    let output = timeout(LIMIT, child.wait_with_output()).await;
    scratch.remove().await;
    let output = output.map_err(|_| unusable(format!("no answer within {LIMIT:?}")))?;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    if output.stdout.is_empty() {
        return Err(unusable(format!("it printed nothing and ended with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
