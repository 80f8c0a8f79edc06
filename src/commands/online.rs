//! What `update` and `validate --online` both ask upstreams, beside the newest build: what became of the versions that
//! are pinned, and which lines of releases end.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::sync::watch;

use crate::domain::attested::{Attested, Verify};
use crate::domain::definition::Definition;
use crate::domain::endoflife::{self, Meaning, Product, Tracked};
use crate::domain::finding::Finding;
use crate::domain::freshness::{self, Listed};
use crate::domain::pinned::{self, Asked};
use crate::domain::policy;
use crate::domain::select::{self, SelectError, Selection};
use crate::domain::source::Source;
use crate::domain::template::Escape;
use crate::settings::Settings;
use crate::upstream::{Newest, Upstream, UpstreamError};

/// How much longer than all upstreams together endoflife.date may take: nothing depends on it.
const GRACE: Duration = Duration::from_secs(3);

/// What is said of each pinned version, by its place in the list.
pub(super) async fn pinned(
    upstream: &Upstream,
    definition: &Definition,
    asked: Asked,
    verify: Verify,
    done: impl Fn(),
) -> Vec<(usize, Vec<Finding>)> {
    let versions = definition.versions.iter().enumerate();
    let versions = versions.map(|(at, version)| {
        let done = &done;
        async move {
            let facts = upstream.pinned(definition, version, asked, verify).await;
            done();
            (at, pinned::findings(definition, at, &facts, asked))
        }
    });
    join_all(versions).await
}

/// Why the newest build does not do, with who asks for more proof than there is.
pub(super) fn refusal(error: &UpstreamError, asked: policy::Asked<'_>) -> String {
    if error.is_of_too_little_proof() {
        format!("{error}; it is asked for by {}", asked.by)
    } else {
        error.to_string()
    }
}

/// What the newest build means for a definition, and what is odd about the list that it stands in.
///
/// Nothing if it is new, and `attested` absent: then its bytes have to be fetched first.
pub(super) fn listed(
    definition: &Definition,
    newest: &Newest,
    attested: Option<&Attested>,
    source: &Source,
    settings: &Settings,
) -> Result<Option<(Selection, Vec<Finding>)>, SelectError> {
    let Newest {
        candidate,
        proof,
        order,
        ..
    } = newest;
    let build_of = |url: &str| source.infer(url)?.version;
    let told = proof.told();
    let selection = if let Some(attested) = attested {
        select::select(definition, candidate, attested, *order, build_of)?
    } else {
        let found = told.map(Attested::checksum);
        match select::settled(definition, candidate, found, *order, build_of)? {
            Some(selection) => selection,
            None => return Ok(None),
        }
    };
    let listed = Listed {
        newest: candidate,
        order: *order,
        expected_every: source.expected_every,
    };
    let mut findings =
        freshness::findings(definition, &selection, listed, settings.today, build_of);
    if let Selection::Known {
        at,
        changed: Some(found),
    } = &selection
        && let Some(version) = definition.versions.get(*at)
    {
        let by = told.and_then(Attested::manifest).unwrap_or_default();
        findings.push(pinned::changed(definition, version, found, by));
    }
    Ok(Some((selection, findings)))
}

/// Does the rest of a run, and says beside it which lines of releases end and which are new.
///
/// endoflife.date has as long as the rest takes, and a moment more.
pub(super) async fn with_lines<T>(
    upstream: &Upstream,
    settings: &Settings,
    definitions: &[Definition],
    rest: impl Future<Output = T>,
) -> (T, Vec<Finding>) {
    let lines: Vec<_> = definitions
        .iter()
        .filter_map(|definition| Line::of(upstream, definition))
        .collect();
    let mut products: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &lines {
        let product = line.meaning.product.as_str();
        products.entry(product).or_default().push(line);
    }
    // Of the lines of others it counts only which there are.
    products.retain(|_, lines| lines.iter().any(|line| line.is_looked_at(settings)));
    let (ended, ends) = watch::channel(false);
    let rest = async {
        let done = rest.await;
        ended.send_replace(true);
        done
    };
    let asked = products.into_iter().map(|(product, lines)| {
        let mut ends = ends.clone();
        async move {
            let too_late = async {
                // The sender lives as long as this is waited for.
                let _ = ends.wait_for(|ended| *ended).await;
                tokio::time::sleep(GRACE).await;
            };
            let answer = tokio::select! {
                answer = upstream.product(product) => answer.map_err(|error| reason(&error)),
                () = too_late => Err("endoflife.date has not answered in time".to_owned()),
            };
            said(settings, product, &lines, answer)
        }
    });
    let (done, said) = join(rest, join_all(asked)).await;
    (done, said.concat())
}

/// A definition and the line that it tracks.
struct Line<'a> {
    definition: &'a Definition,
    source: &'a str,
    meaning: &'a Meaning,
    name: String,
}

impl<'a> Line<'a> {
    /// Nothing where a definition has no source, or one that says nothing of its lines. What does not fit a source is
    /// told elsewhere.
    fn of(upstream: &'a Upstream, definition: &'a Definition) -> Option<Self> {
        let tracked = upstream.tracked(definition).ok()??;
        let meaning = tracked.source.endoflife.as_ref()?;
        let variables = tracked.source.variables(&tracked.parameters).ok()?;
        let name = tracked
            .source
            .fill(&meaning.release, &variables, Escape::Nothing);
        Some(Self {
            definition,
            source: &tracked.source.name,
            meaning,
            name: name.ok()?,
        })
    }

    fn is_looked_at(&self, settings: &Settings) -> bool {
        self.definition.enable && settings.looks_at(&self.definition.name)
    }

    fn tracked(&self) -> Tracked<'_> {
        Tracked {
            definition: self.definition,
            source: self.source,
            meaning: self.meaning,
            line: &self.name,
        }
    }
}

fn reason(error: &UpstreamError) -> String {
    match error {
        UpstreamError::Fetch(error) if error.is_gone() => {
            "endoflife.date has no product of this name; correct `endoflife` in the source"
                .to_owned()
        }
        error => error.to_string(),
    }
}

/// What is said of the lines of one product.
fn said(
    settings: &Settings,
    name: &str,
    lines: &[&Line],
    answer: Result<Product, String>,
) -> Vec<Finding> {
    let asked = lines.iter().filter(|line| line.is_looked_at(settings));
    let product = match answer {
        Ok(product) => product,
        Err(reason) => {
            let first = asked.take(1);
            return first
                .map(|line| endoflife::unknown(&line.tracked(), name, &reason))
                .collect();
        }
    };
    let tracked: Vec<_> = lines.iter().map(|line| line.tracked()).collect();
    let ended =
        asked.filter_map(|line| endoflife::ended(&line.tracked(), &product, settings.today));
    let new = endoflife::new_lines(&tracked, &product, settings.today);
    let is_looked_at = |finding: &Finding| {
        finding
            .image
            .as_deref()
            .is_some_and(|name| settings.looks_at(name))
    };
    ended.chain(new.into_iter().filter(is_looked_at)).collect()
}
