//! The command line. The same for every turn but for the model, whose name is checked here.

use messages::ApiError;

const FIXED: [&str; 12] = [
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    // Otherwise conversations are written below the operator's own `~/.claude`, and images gain a text block.
    "--no-session-persistence",
    // No built-in tool: the model can only answer.
    "--tools=",
    // No settings file of a user, project or directory has a say.
    "--setting-sources=",
    "--strict-mcp-config",
    "--permission-mode=default",
    "--disable-slash-commands",
    // The caller's own tools: calling one only tells the caller. The program has no other.
    "--allowedTools=mcp__client",
];

/// Makes the program begin with the conversation in this file, seen from its working directory.
const RESUME: &str = "--resume=../transcript.jsonl";

const LONGEST_MODEL: usize = 256;

/// The arguments for a process that serves this model, with the transcript in its scratch directory or without one.
pub(crate) fn of_model(model: &str, resumes: bool) -> Vec<String> {
    let mut arguments: Vec<String> = FIXED.iter().map(ToString::to_string).collect();
    arguments.extend(resumes.then(|| RESUME.to_string()));
    arguments.push(format!("--model={model}"));
    arguments
}

/// Refuses what can't be a model's name. Bedrock's ARNs, Vertex' `@date` and the program's `[1m]` can.
pub(crate) fn check_model(model: &str) -> Result<(), ApiError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@[]".contains(&byte);
    let begins = model.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins && model.len() <= LONGEST_MODEL && model.bytes().all(legal) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "model",
        "not a model name: letters, digits and -_.:/@[] only, a letter or digit first",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_differs_between_two_command_lines() {
        let (one, other) = (of_model("claude-a", false), of_model("claude-b", false));
        let different: Vec<_> = one.iter().zip(&other).filter(|(a, b)| a != b).collect();
        assert_eq!(one.len(), other.len());
        assert_eq!(different, [(&"--model=claude-a".to_string(), &"--model=claude-b".to_string())]);
    }

    #[test]
    fn a_transcript_adds_an_argument_that_is_always_the_same() {
        let (without, with) = (of_model("claude-a", false), of_model("claude-a", true));
        let added: Vec<_> = with.iter().filter(|argument| !without.contains(argument)).collect();
        assert_eq!((added, with.len()), (vec![&RESUME.to_string()], without.len() + 1));
    }

    #[test]
    fn a_model_can_not_become_another_argument() {
        for hostile in [
            "",
            "-p",
            "--settings=/x",
            "a b",
            "a\0b",
            "a\n--x",
            "ä",
            "a=b",
            "../x",
            "$(id)",
            &"a".repeat(300),
        ] {
            let error = check_model(hostile).expect_err(hostile);
            assert_eq!((error.status, error.path.as_deref()), (400, Some("model")), "{hostile}");
        }
    }

    #[test]
    fn the_names_of_every_provider_pass() {
        for name in [
            "claude-sonnet-5-5",
            "opus",
            "claude-sonnet-5-5[1m]",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
            "claude-sonnet-4-5@20250929",
        ] {
            check_model(name).unwrap();
        }
    }
}
