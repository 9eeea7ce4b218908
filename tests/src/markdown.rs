//! Blocks of code in Markdown, for tests that do what the documentation says.

/// A block of code.
#[derive(Debug)]
pub struct Block {
    /// What it says that it is.
    pub language: String,
    /// Its lines.
    pub text: String,
}

/// All blocks in their order.
///
/// # Panics
/// When one has no end.
#[track_caller]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(language), false) => {
                blocks.push(Block { language: language.trim().to_owned(), text: String::new() });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                if let Some(block) = blocks.last_mut() {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    assert!(!inside, "a block has no end");
    blocks
}

/// The commands of a block: lines that end in `\` go on, comments are left out.
pub fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let without_comment = |line: &str| line.split("  #").next().unwrap_or_default().trim().to_owned();
    joined.lines().map(without_comment).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_their_commands_are_read() {
        let blocks = blocks(
            "text\n```sh\na \\\n  b   # why\n\n# only a comment\nc\n```\nmore\n```rust\nlet x;\n```\n",
        );
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[1].language, "rust");
        assert_eq!(commands(&blocks[0].text), ["a    b", "c"]);
    }
}
