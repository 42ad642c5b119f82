//! Shows how far long work has come: a bar on a terminal, plain lines elsewhere, nothing with `--json`. Start at [`Meter`].

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use blerg_store::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One long piece of work.
pub(crate) struct Meter {
    show: Show,
    /// What the work is out of, where it does not know itself.
    total: Option<u64>,
    doing: &'static str,
}

enum Show {
    Nothing,
    Lines { next: Instant },
    Bar(ProgressBar),
}

impl Meter {
    /// A meter for work out of `total`, if that is known.
    pub(crate) fn new(is_json: bool, total: Option<u64>) -> Meter {
        let show = if is_json {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            Show::Bar(ProgressBar::no_length())
        } else {
            Show::Lines { next: Instant::now() + LINE_EVERY }
        };
        Meter { show, total, doing: "" }
    }

    /// Shows a step.
    pub(crate) fn show(&mut self, progress: Progress) {
        let total = progress.total.or(self.total);
        let is_new = self.doing != progress.doing;
        self.doing = progress.doing;
        match &mut self.show {
            Show::Nothing => {}
            Show::Lines { next } => {
                let now = Instant::now();
                if now >= *next {
                    *next = now + LINE_EVERY;
                    let of = total.map_or(String::new(), |total| format!(" of {total}"));
                    // Where it cannot be told it need not be.
                    let _ = writeln!(std::io::stderr(), "{}: {}{of}", progress.doing, progress.done);
                }
            }
            Show::Bar(bar) => {
                if is_new {
                    bar.set_style(style(total.is_some()));
                    bar.set_message(progress.doing);
                }
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(progress.done);
            }
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total { "{msg} {wide_bar} {percent}%" } else { "{msg} {spinner} {pos}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
