//! YAML text as a tree of nodes that know where in the text they stand.

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::Refusal;

/// Definitions are five levels deep; whoever nests deeper than this wrote something else.
const DEPTH_LIMIT: usize = 64;

/// A node and the bytes of its own content, without anchor, tag, or the space around it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) anchor: Option<usize>,
    pub(super) tagged: bool,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar { value: String, style: ScalarStyle },
    Alias(usize),
    Mapping(Vec<(Node, Node)>),
    Sequence(Vec<Node>),
}

impl Node {
    pub(super) fn refuse(&self, reason: impl Into<String>) -> Refusal {
        refusal(self.line, self.column, reason)
    }

    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    pub(super) fn pairs(&self) -> Option<&[(Node, Node)]> {
        match &self.content {
            Content::Mapping(pairs) => Some(pairs),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.content {
            Content::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The key and the value of the pair whose key is the plain text `key`.
    pub(super) fn pair(&self, key: &str) -> Option<&(Node, Node)> {
        self.pairs()?
            .iter()
            .find(|(name, _)| name.scalar() == Some(key))
    }

    /// Whether this is `null` in one of its spellings, nothing at all included.
    pub(super) fn is_null(&self) -> bool {
        matches!(
            &self.content,
            Content::Scalar { value, style: ScalarStyle::Plain } if matches!(value.as_str(), "" | "~" | "null" | "Null" | "NULL")
        )
    }

    /// Whether this mapping or sequence is written with brackets.
    pub(super) fn is_flow(&self, text: &str) -> bool {
        let bracket = text.get(self.start..).and_then(|rest| rest.chars().next());
        match self.content {
            Content::Mapping(_) => bracket == Some('{') && self.end > self.start,
            Content::Sequence(_) => bracket == Some('[') && self.end > self.start,
            _ => false,
        }
    }

    /// Calls `visit` for this node and all nodes in it, in the order of the text.
    pub(super) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        match &self.content {
            Content::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Content::Sequence(items) => items.iter().for_each(|item| item.walk(visit)),
            Content::Scalar { .. } | Content::Alias(_) => {}
        }
    }

    /// The nodes in this one that have an anchor.
    pub(super) fn anchors(&self) -> Vec<&Node> {
        let mut found = Vec::new();
        self.walk(&mut |node| {
            if node.anchor.is_some() {
                found.push(node);
            }
        });
        found
    }
}

/// Reads the only document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, Refusal> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        last_end: 0,
    };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event if root.is_none() => root = Some(reader.node(event, &span, 0)?),
            _ => {
                return Err(refusal_at(
                    &span,
                    "the file holds a second YAML document, but definitions are read from one; \
                     move it to a file of its own",
                ));
            }
        }
    }
    let root = root.ok_or_else(|| refusal(1, 1, "the file is empty, expected a list `images`"))?;
    refuse_disorder(text, &root)?;
    Ok(root)
}

/// Whoever cuts between nodes relies on their order in the text, so it is checked once for all.
fn refuse_disorder(text: &str, root: &Node) -> Result<(), Refusal> {
    let mut at = 0;
    let mut disordered = None;
    root.walk(&mut |node| {
        let whole = text.get(node.start..node.end).is_some();
        if (node.start < at || !whole) && disordered.is_none() {
            disordered = Some(node);
        }
        at = match node.content {
            Content::Mapping(_) | Content::Sequence(_) => node.start,
            Content::Scalar { .. } | Content::Alias(_) => node.end,
        };
    });
    disordered.map_or(Ok(()), |node| {
        Err(node.refuse("this YAML has a form that definitions do not have; write it more simply"))
    })
}

struct Reader<'text> {
    text: &'text str,
    parser: Parser<'text, granit_parser::StrInput<'text>>,
    /// Where the content of the node before ended.
    last_end: usize,
}

impl<'text> Reader<'text> {
    fn next(&mut self) -> Result<(Event<'text>, Span), Refusal> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(refusal(
                error.marker().line(),
                error.marker().col() + 1,
                format!("this is not YAML: {}", error.info()),
            )),
            None => Err(refusal(1, 1, "the YAML ends too early")),
        }
    }

    fn node(&mut self, event: Event<'text>, span: &Span, depth: usize) -> Result<Node, Refusal> {
        if depth > DEPTH_LIMIT {
            return Err(refusal_at(
                span,
                "the YAML is nested too deeply for a definition",
            ));
        }
        let bytes = span.byte_range().unwrap_or_default();
        let (anchor, tagged) = (event.anchor_id(), event.tag().is_some());
        let (mut start, mut end) = (bytes.start, bytes.end);
        if matches!(event, Event::SequenceStart(..) | Event::MappingStart(..)) {
            self.last_end = self.last_end.max(start);
        }
        let content = match event {
            Event::Alias(target) => Content::Alias(target),
            Event::Scalar(value, style, ..) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    // The span of a block scalar runs into the indent of what follows.
                    let block = self.text.get(start..end).unwrap_or_default().trim_end();
                    end = start + block.len();
                }
                if start == end {
                    // What is not there has no place of its own; it ends where the text before it ends.
                    (start, end) = (self.last_end, self.last_end);
                }
                // The parser says `~` for a value that is not there.
                let value = if start == end {
                    String::new()
                } else {
                    value.into_owned()
                };
                Content::Scalar { value, style }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, inner) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        end = self.collection_end(&inner, end);
                        break;
                    }
                    items.push(self.node(event, &inner, depth + 1)?);
                }
                Content::Sequence(items)
            }
            Event::MappingStart(..) => {
                let mut pairs = Vec::new();
                loop {
                    let (event, inner) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        end = self.collection_end(&inner, end);
                        break;
                    }
                    let key = self.node(event, &inner, depth + 1)?;
                    // An absent value ends behind the colon, not before it.
                    self.last_end = self.after_colon(self.last_end);
                    let (event, inner) = self.next()?;
                    let value = self.node(event, &inner, depth + 1)?;
                    pairs.push((key, value));
                }
                Content::Mapping(pairs)
            }
            _ => {
                return Err(refusal_at(
                    span,
                    "this YAML has a form that definitions do not have",
                ));
            }
        };
        self.last_end = self.last_end.max(end);
        Ok(Node {
            start,
            end,
            line: span.start.line(),
            column: span.start.col() + 1,
            anchor,
            tagged,
            content,
        })
    }

    /// A closing bracket has a width; a block ends with the last thing in it.
    fn collection_end(&self, closing: &Span, opened: usize) -> usize {
        match closing.byte_range() {
            Some(bytes) if !bytes.is_empty() => bytes.end,
            _ => self.last_end.max(opened),
        }
    }

    fn after_colon(&self, key_end: usize) -> usize {
        let rest = self.text.get(key_end..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[blanks..].starts_with(':') {
            key_end + blanks + 1
        } else {
            key_end
        }
    }
}

fn refusal_at(span: &Span, reason: &str) -> Refusal {
    refusal(span.start.line(), span.start.col() + 1, reason)
}

fn refusal(line: usize, column: usize, reason: impl Into<String>) -> Refusal {
    Refusal {
        line: line as u64,
        column: column as u64,
        reason: reason.into(),
    }
}
