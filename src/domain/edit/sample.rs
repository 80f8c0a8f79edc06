//! Definition files in many layouts, of which the generator knows which line belongs to what.

use proptest::prelude::*;

use super::Position;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Block,
    /// A block list of entries in brackets.
    FlowEntries,
    /// Everything in brackets.
    FlowList,
}

#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that a file has or has not"
)]
pub(super) struct Style {
    pub(super) shape: Shape,
    pub(super) blank_lines: usize,
    windows: bool,
    mark: bool,
    marker: bool,
    final_newline: bool,
    images_indent: usize,
    list_indent: usize,
    dash_gap: usize,
    dash_alone: bool,
    quotes: [&'static str; 3],
    folded: bool,
    trailing_blank: bool,
    url_first: bool,
    comments: bool,
    empty: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    version: String,
    path: String,
    pub(super) visibility: Option<String>,
    mirrored: bool,
    dated: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) style: Style,
    pub(super) images: Vec<Image>,
}

/// A line and the entry to which it belongs, by image and index.
type Line = (Option<(usize, usize)>, String);

impl File {
    pub(super) fn text(&self) -> String {
        self.join(self.lines().into_iter())
    }

    /// The text before and after the place of a new entry, without the entries that go.
    pub(super) fn around(
        &self,
        image: usize,
        remove: &[usize],
        position: Position,
    ) -> (String, String) {
        let mut lines = self.lines();
        let is_list = |line: &Line| {
            line.1.trim_start().starts_with("versions:") && line.0 == Some((image, usize::MAX))
        };
        let key = lines.iter().position(is_list).unwrap();
        if self.style.shape == Shape::FlowList || self.images[image].entries.is_empty() {
            // The line of the key itself changes.
            let after = lines.split_off(key + 1);
            lines.pop();
            return (self.join(lines.into_iter()), self.join(after.into_iter()));
        }
        let own = |line: &Line| matches!(line.0, Some((owner, index)) if owner == image && index != usize::MAX);
        let split = match position {
            Position::First => lines.iter().position(own).unwrap(),
            Position::Last => lines.iter().rposition(own).unwrap() + 1,
        };
        let after = lines.split_off(split);
        let stays =
            |line: &Line| !own(line) || !line.0.is_some_and(|(_, index)| remove.contains(&index));
        (
            self.join(lines.into_iter().filter(stays)),
            self.join(after.into_iter().filter(stays)),
        )
    }

    fn join(&self, lines: impl Iterator<Item = Line>) -> String {
        let newline = if self.style.windows { "\r\n" } else { "\n" };
        let mut text = String::from(if self.style.mark { "\u{feff}" } else { "" });
        for (_, line) in lines {
            text.push_str(&line);
            text.push_str(newline);
        }
        if !self.style.final_newline && text.ends_with(newline) {
            text.truncate(text.len() - newline.len());
        }
        text
    }

    fn lines(&self) -> Vec<Line> {
        let style = &self.style;
        let mut lines: Vec<Line> = Vec::new();
        if style.marker {
            lines.push((None, "---".to_owned()));
        }
        lines.push((None, "images:".to_owned()));
        let dash = " ".repeat(style.images_indent);
        let keys = " ".repeat(style.images_indent + 2);
        for (number, image) in self.images.iter().enumerate() {
            if style.comments {
                lines.push((None, format!("{dash}# {}", image.name)));
            }
            lines.push((None, format!("{dash}- name: {}", image.name)));
            lines.push((None, format!("{keys}meta: {{os_version: '12.10'}}")));
            self.versions(number, image, &keys, &mut lines);
            lines.push((None, format!("{keys}multi: true")));
        }
        // Some files end with a version.
        if style.images_indent == 0 && self.images.len() == 1 {
            lines.pop();
        }
        lines
    }

    fn versions(&self, number: usize, image: &Image, keys: &str, lines: &mut Vec<Line>) {
        let style = &self.style;
        let owner = Some((number, usize::MAX));
        if image.entries.is_empty() {
            lines.push((owner, format!("{keys}versions:{}", style.empty)));
            return;
        }
        if style.shape == Shape::FlowList {
            let entries: Vec<String> = image.entries.iter().map(|entry| self.flow(entry)).collect();
            lines.push((owner, format!("{keys}versions: [{}]", entries.join(", "))));
            return;
        }
        lines.push((owner, format!("{keys}versions:")));
        let dash = format!("{keys}{}", " ".repeat(style.list_indent));
        for (index, entry) in image.entries.iter().enumerate() {
            let owner = Some((number, index));
            for _ in 0..if index > 0 { style.blank_lines } else { 0 } {
                lines.push((None, String::new()));
            }
            if style.comments {
                lines.push((owner, format!("{dash}# about the next version")));
            }
            if style.shape == Shape::FlowEntries {
                lines.push((
                    owner,
                    format!("{dash}-{}{}", " ".repeat(style.dash_gap), self.flow(entry)),
                ));
            } else {
                let block = self.block(entry, &dash);
                lines.extend(block.into_iter().map(|line| (owner, line)));
            }
            if style.comments {
                lines.push((owner, format!("{dash}  # about this version")));
            }
        }
    }

    fn quote(&self, kind: usize, value: &str) -> String {
        let quote = self.style.quotes[kind];
        let number = value.parse::<f64>().is_ok();
        let quote = if quote.is_empty() && number {
            "'"
        } else {
            quote
        };
        format!("{quote}{value}{quote}")
    }

    fn pairs(&self, entry: &Entry) -> Vec<(&'static str, String, bool)> {
        let url = format!("https://images.example/{}", entry.path);
        let mut pairs = vec![
            ("version", self.quote(0, &entry.version), false),
            ("url", self.quote(1, &url), true),
        ];
        if self.style.url_first {
            pairs.swap(0, 1);
        }
        if entry.mirrored {
            pairs.push((
                "mirror_url",
                self.quote(1, "https://mirror.example/a"),
                true,
            ));
        }
        if let Some(visibility) = &entry.visibility {
            pairs.push(("visibility", visibility.clone(), false));
        }
        pairs.push(("checksum", self.quote(2, "sha256:00ff"), true));
        if entry.dated {
            pairs.push(("build_date", "2026-01-01".to_owned(), false));
        }
        pairs
    }

    fn flow(&self, entry: &Entry) -> String {
        let pairs = self.pairs(entry);
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(key, value, _)| format!("{key}: {value}"))
            .collect();
        format!("{{{}}}", pairs.join(", "))
    }

    fn block(&self, entry: &Entry, dash: &str) -> Vec<String> {
        let style = &self.style;
        let keys = format!("{dash}{}", " ".repeat(style.dash_gap + 1));
        let mut lines = Vec::new();
        for (index, (key, value, long)) in self.pairs(entry).into_iter().enumerate() {
            if style.comments && index == 2 {
                lines.push(format!("{keys}# about a key"));
            }
            let lead = if index == 0 && style.dash_alone {
                lines.push(format!("{dash}-"));
                keys.clone()
            } else if index == 0 {
                format!("{dash}-{}", " ".repeat(style.dash_gap))
            } else {
                keys.clone()
            };
            if long && style.folded {
                let blank = if style.trailing_blank { " " } else { "" };
                lines.push(format!("{lead}{key}:{blank}"));
                lines.push(format!("{keys}  {value}"));
            } else {
                let comment = if style.comments && index == 1 {
                    "  # as seen"
                } else {
                    ""
                };
                lines.push(format!("{lead}{key}: {value}{comment}"));
            }
        }
        lines
    }
}

fn style() -> impl Strategy<Value = Style> {
    let shape = prop_oneof![
        4 => Just(Shape::Block),
        1 => Just(Shape::FlowEntries),
        1 => Just(Shape::FlowList),
    ];
    let quote = || prop::sample::select(vec!["", "'", "\""]);
    let empty = prop::sample::select(vec![" []", "", " null", " ~", " [ ]", " []  # so far"]);
    let indents = (
        prop::sample::select(vec![0, 2, 4]),
        prop::sample::select(vec![0, 2, 4]),
        1..4_usize,
    );
    (
        shape,
        0..3_usize,
        any::<[bool; 9]>(),
        indents,
        [quote(), quote(), quote()],
        empty,
    )
        .prop_map(
            |(shape, blank_lines, flags, (images_indent, list_indent, dash_gap), quotes, empty)| {
                Style {
                    shape,
                    blank_lines,
                    windows: flags[0],
                    mark: flags[1],
                    marker: flags[2],
                    final_newline: flags[3],
                    images_indent,
                    list_indent,
                    dash_gap,
                    dash_alone: flags[4],
                    quotes,
                    folded: flags[5],
                    trailing_blank: flags[6],
                    url_first: flags[7],
                    comments: flags[8],
                    empty,
                }
            },
        )
}

fn entry() -> impl Strategy<Value = Entry> {
    let version = prop_oneof![
        "2026[01][1-9]0[1-9]",
        "[1-9]\\.[0-9]{1,2}",
        "[1-9]\\.[0-9]\\.[0-9]",
        "v[0-9]"
    ];
    let visibility = prop::option::of(prop::sample::select(vec!["private", "shared"]));
    (
        version,
        "[a-z0-9]{1,12}",
        visibility,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(version, path, visibility, mirrored, dated)| Entry {
            version,
            path,
            visibility: visibility.map(ToOwned::to_owned),
            mirrored,
            dated,
        })
}

/// Any definition file of one to three images with up to five versions each.
pub(super) fn file() -> impl Strategy<Value = File> {
    let image = prop::collection::vec(entry(), 0..5);
    (style(), prop::collection::vec(image, 1..4)).prop_map(|(style, images)| File {
        style,
        images: images
            .into_iter()
            .enumerate()
            .map(|(number, entries)| Image {
                name: format!("Image {number}"),
                entries,
            })
            .collect(),
    })
}
