//! Metrics as they are handed to the encoder: families of samples with one name, one kind and one explanation.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::histogram::Distribution;

/// All families of one scrape.
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

/// Samples with one name.
#[derive(Debug)]
pub struct Family {
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    kind: MetricType,
    samples: Vec<(Labels, Value)>,
}

/// What tells the samples of a family apart.
type Labels = Vec<(&'static str, String)>;

/// What a sample says.
#[derive(Debug)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// Any other number: seconds, or a ratio.
    Real(f64),
    /// How long things took.
    Durations(Distribution),
}

impl Families {
    /// Begins a family of numbers that only grow. The encoder appends `_total` to the name.
    pub fn counter(&mut self, name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> &mut Family {
        self.begin(name.into(), help.into(), MetricType::Counter)
    }

    /// Begins a family of numbers that go up and down.
    pub fn gauge(&mut self, name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> &mut Family {
        self.begin(name.into(), help.into(), MetricType::Gauge)
    }

    /// Begins a family of durations.
    pub fn histogram(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.begin(name.into(), help.into(), MetricType::Histogram)
    }

    /// Joins the families of a part of the whole, with a label that tells it from the others. Those that the whole has already stay as
    /// they are.
    pub fn join(&mut self, part: Families, label: &'static str, word: &str, whole: &Families) {
        for family in part.0.into_iter().filter(|family| whole.0.iter().all(|known| known.name != family.name)) {
            let joined = self.begin(family.name, family.help, family.kind);
            for (mut labels, value) in family.samples {
                labels.insert(0, (label, word.to_owned()));
                joined.samples.push((labels, value));
            }
        }
    }

    /// Appends other families.
    pub fn append(&mut self, mut others: Families) {
        self.0.append(&mut others.0);
    }

    /// One family a name: samples that come later join those before.
    fn begin(&mut self, name: Cow<'static, str>, help: Cow<'static, str>, kind: MetricType) -> &mut Family {
        let place = self.0.iter().position(|family| family.name == name).unwrap_or_else(|| {
            self.0.push(Family { name, help, kind, samples: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

impl Family {
    /// Adds the only sample.
    pub fn is(&mut self, value: impl Into<Value>) {
        self.samples.push((Vec::new(), value.into()));
    }

    /// Adds a sample with one label.
    pub fn of(&mut self, label: &'static str, word: impl Into<String>, value: impl Into<Value>) -> &mut Family {
        self.with(vec![(label, word.into())], value)
    }

    /// Adds a sample with labels.
    pub fn with(&mut self, labels: Vec<(&'static str, String)>, value: impl Into<Value>) -> &mut Family {
        self.samples.push((labels, value.into()));
        self
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>, value: &Value) -> fmt::Result {
        match (self.kind, value) {
            (MetricType::Counter, Value::Whole(n)) => encoder.encode_counter::<NoLabelSet, u64, f64>(n, None),
            (MetricType::Counter, Value::Real(x)) => encoder.encode_counter::<NoLabelSet, f64, f64>(x, None),
            (_, Value::Whole(n)) => encoder.encode_gauge(n),
            (_, Value::Real(x)) => encoder.encode_gauge(x),
            (_, Value::Durations(took)) => {
                encoder.encode_histogram::<NoLabelSet>(took.sum_seconds, took.count(), &took.buckets, None)
            }
        }
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.0.iter().filter(|family| !family.samples.is_empty()) {
            let mut metric = encoder.encode_descriptor(&family.name, &family.help, None, family.kind)?;
            for (labels, value) in &family.samples {
                if labels.is_empty() {
                    family.encode(&mut metric, value)?;
                } else {
                    family.encode(&mut metric.encode_family(labels)?, value)?;
                }
            }
        }
        Ok(())
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Value {
        Value::Whole(n)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Whole(u64::from(flag))
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Value {
        Value::Real(x)
    }
}

impl From<Distribution> for Value {
    fn from(took: Distribution) -> Value {
        Value::Durations(took)
    }
}
