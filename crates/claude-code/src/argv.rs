//! The command line. The same for every turn but for the model, whose name is checked here.

use messages::ApiError;

use crate::agent::{BuiltIn, PermissionMode};

const FIXED: [&str; 10] = [
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    // Otherwise conversations are written below the operator's own `~/.claude`, and images gain a text block.
    "--no-session-persistence",
    // No settings file of a user, project or directory has a say.
    "--setting-sources=",
    "--strict-mcp-config",
    "--disable-slash-commands",
    // The caller's own tools: calling one only tells the caller.
    "--allowedTools=mcp__client",
];

/// Makes the program begin with the conversation in this file, seen from its working directory.
const RESUME: &str = "--resume=../transcript.jsonl";

const LONGEST_MODEL: usize = 256;

/// The arguments for a process that serves this model with the tools that the operator allows, with the transcript in
/// its scratch directory or without one.
pub(crate) fn of_model(model: &str, built_in: Option<&BuiltIn>, resumes: bool) -> Vec<String> {
    let mut arguments: Vec<String> = FIXED.iter().map(ToString::to_string).collect();
    // None: the model can only answer.
    let tools = built_in.map(|built_in| built_in.tools.join(",")).unwrap_or_default();
    let mode = built_in.map_or(PermissionMode::Default, |built_in| built_in.permission_mode);
    arguments.push(format!("--tools={tools}"));
    arguments.push(format!("--permission-mode={}", mode.as_str()));
    if let Some(built_in) = built_in {
        arguments.push("--permission-prompt-tool=stdio".into());
        arguments.extend(built_in.allowed.iter().map(|rule| format!("--allowedTools={rule}")));
    }
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

    fn agent() -> BuiltIn {
        BuiltIn {
            tools: vec!["Read".into(), "Bash".into()],
            working_directory: "/srv/work".into(),
            permission_mode: PermissionMode::AcceptEdits,
            allowed: vec!["Bash(git log *)".into()],
            max_turns: 1,
            permission_timeout: std::time::Duration::ZERO,
            permissions: crate::agent::Permissions::default(),
        }
    }

    #[test]
    fn there_are_no_built_in_tools_but_those_of_the_operator() {
        let has = |arguments: &[String], argument: &str| arguments.iter().any(|found| found == argument);
        let none = of_model("m", None, false);
        assert!(has(&none, "--tools=") && has(&none, "--permission-mode=default"), "{none:?}");
        assert!(!none.iter().any(|argument| argument.starts_with("--permission-prompt-tool")), "{none:?}");
        let some = of_model("m", Some(&agent()), false);
        for argument in
            ["--tools=Read,Bash", "--permission-mode=acceptEdits", "--allowedTools=Bash(git log *)"]
        {
            assert!(has(&some, argument), "{some:?}");
        }
    }

    #[test]
    fn only_the_model_differs_between_two_command_lines() {
        for built_in in [None, Some(agent())] {
            let (one, other) = (
                of_model("claude-a", built_in.as_ref(), false),
                of_model("claude-b", built_in.as_ref(), false),
            );
            let different: Vec<_> = one.iter().zip(&other).filter(|(a, b)| a != b).collect();
            assert_eq!(one.len(), other.len());
            assert_eq!(different, [(&"--model=claude-a".to_string(), &"--model=claude-b".to_string())]);
        }
    }

    #[test]
    fn a_transcript_adds_an_argument_that_is_always_the_same() {
        let (without, with) = (of_model("claude-a", None, false), of_model("claude-a", None, true));
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
