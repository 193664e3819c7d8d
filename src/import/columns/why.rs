//! Why a column is read as it is.

/// Why a column is read as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    KnownName,
    /// Its name begins with `label.`
    LabelName,
    Labels,
    /// The same, but what stands there are answers, and nobody knows to what: it is asked all the same.
    LabelsOfAnswers,
    /// `--labels '*'`
    AllLabels,
    Map,
    /// `--map '*=ignore'`
    AllIgnored,
    Mapping,
    /// Every row is the same, and no other column matters.
    As,
    /// The columns that contactd itself puts behind rejected rows.
    Rejects,
    /// No name, and nothing there.
    Empty,
    Nobody,
}

impl Why {
    /// Whether somebody must say what the column is.
    pub fn is_open(self) -> bool {
        matches!(self, Why::Nobody | Why::LabelsOfAnswers)
    }

    /// For people.
    pub fn told(self) -> &'static str {
        match self {
            Why::KnownName => "known name",
            Why::LabelsOfAnswers => "yes and no: to what?",
            Why::LabelName => "named label.…",
            Why::Labels | Why::AllLabels => "--labels",
            Why::Map | Why::AllIgnored => "--map",
            Why::Mapping => "mapping file",
            Why::As => "--as",
            Why::Rejects => "of the rejected rows",
            Why::Empty => "empty",
            Why::Nobody => "nobody said",
        }
    }
}
