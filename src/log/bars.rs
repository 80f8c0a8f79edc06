//! Bars at the foot of a terminal, below the log's lines.

use std::io::IsTerminal as _;
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// All bars that are shown; nothing where nobody watches.
static BARS: LazyLock<Option<MultiProgress>> = LazyLock::new(|| {
    let is_watched = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
    is_watched.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)))
});

/// Of a known size: how much of it, how fast, how long still.
const MEASURED: &str = "{prefix} {wide_bar} {percent:>3} % of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// Of an unknown one.
const COUNTED: &str = "{prefix} {spinner} {binary_bytes}, {binary_bytes_per_sec}";

/// The most of a label that a bar shows.
const LABEL: usize = 40;

/// A bar for so many bytes, or for who knows how many; nothing where nobody watches.
pub fn bar(label: &str, total: Option<u64>) -> Option<ProgressBar> {
    let bars = BARS.as_ref()?;
    let template = if total.is_some() { MEASURED } else { COUNTED };
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    // A template that cannot be read leaves the usual look.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let label: String = label
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LABEL)
        .collect();
    let bar = bars.add(
        bar.with_style(style.progress_chars("=> "))
            .with_prefix(label),
    );
    bar.enable_steady_tick(Duration::from_millis(250));
    Some(bar)
}

/// Writes above the bars, so that neither breaks the other's lines.
pub(super) fn above<T>(write: impl FnOnce() -> T) -> T {
    match BARS.as_ref() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}
