//! What a guide asks of its reader, in order.
//!
//! - `console` with the one line `$ [NAME=value] tenon up …`: (re)start the server so;
//! - `yaml`, `python` or `toml` that begins with `# some/path.ext`: write that file;
//! - `sh`: run these commands;
//! - `text` right below such commands: what they print.
//!
//! All other blocks are only looked at.

/// One thing that a reader does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where it stands in the guide.
    pub(super) line: usize,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Start the server, or stop it and start it again.
    Server { variables: Vec<(String, String)>, arguments: Vec<String> },
    /// Write a file.
    File { path: String, text: String },
    /// Run commands, and see this.
    Commands { script: String, output: Option<String> },
}

/// A fenced block.
struct Block {
    line: usize,
    info: String,
    text: String,
    /// Whether there are only empty lines between it and the block before.
    follows: bool,
}

/// Everything that a guide asks for.
pub(super) fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks(guide) {
        if let ("text", true, Some(Step { what: What::Commands { output: output @ None, .. }, .. })) =
            (block.info.as_str(), block.follows, steps.last_mut())
        {
            *output = Some(block.text);
        } else if let Some(what) = what(&block) {
            steps.push(Step { line: block.line, what });
        }
    }
    steps
}

fn what(block: &Block) -> Option<What> {
    match block.info.as_str() {
        "sh" => Some(What::Commands { script: block.text.clone(), output: None }),
        "console" => server(block.text.strip_prefix("$ ")?.trim_end()),
        "yaml" | "python" | "toml" => {
            let path = block.text.lines().next()?.strip_prefix("# ")?;
            let is_path = path.contains('.') && !path.contains(char::is_whitespace);
            is_path.then(|| What::File { path: path.to_owned(), text: block.text.clone() })
        }
        _ => None,
    }
}

fn server(line: &str) -> Option<What> {
    let mut words = line.split_whitespace().peekable();
    let mut variables = Vec::new();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        variables.push((name.to_owned(), value.to_owned()));
        words.next();
    }
    let is_server = words.next() == Some("tenon") && words.next() == Some("up") && !line.contains('\n');
    is_server.then(|| What::Server { variables, arguments: words.map(str::to_owned).collect() })
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut follows = false;
    for (index, line) in guide.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => {
                blocks.extend(open.take());
                follows = true;
            }
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(info)) => {
                open = Some(Block { line: index + 1, info: info.to_owned(), text: String::new(), follows });
            }
            (None, None) => follows = follows && line.trim().is_empty(),
        }
    }
    assert!(open.is_none(), "a block of the guide is not closed");
    blocks
}

#[test]
fn a_guide_is_read_into_steps() {
    let guide = "# Guide\n\n```console\n$ TENON_A=1 tenon up --b 2\n```\n\nA file:\n\n```yaml\n# a/b.yaml\nc: d\n```\n\n\
                 ```yaml\nonly: shown\n```\n\n```sh\ntenon x\n```\n\n```text\ny\n```\n\nWords.\n\n```text\nz\n```\n\n\
                 ```console\n$ tenon job watch --all\n```\n";
    let step = |line, what| Step { line, what };
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let expected = [
        step(
            3,
            What::Server {
                variables: vec![pair(("TENON_A", "1"))],
                arguments: ["--b", "2"].map(str::to_owned).to_vec(),
            },
        ),
        step(9, What::File { path: "a/b.yaml".to_owned(), text: "# a/b.yaml\nc: d\n".to_owned() }),
        step(18, What::Commands { script: "tenon x\n".to_owned(), output: Some("y\n".to_owned()) }),
    ];
    assert_eq!(steps(guide), expected);
}
